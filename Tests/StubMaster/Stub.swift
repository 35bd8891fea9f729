import Glibc
import Synchronization

/// Serves connections: one thread for each that `--concurrency` allows, each taking one connection at a time, as a
/// single-threaded master does.
final class Stub: Sendable {
  let place: Place
  let habits: Habits
  let caches: Caches
  let found: [String]
  let lifecycle: Lifecycle
  let served = Atomic<Int>(0)
  let sick = Atomic<Bool>(false)

  init(place: Place, habits: Habits, caches: Caches, found: [String], lifecycle: Lifecycle) {
    self.place = place
    self.habits = habits
    self.caches = caches
    self.found = found
    self.lifecycle = lifecycle
  }

  func serve(on listener: CInt) -> Never {
    for _ in 1..<place.concurrency {
      startThread { self.acceptLoop(listener) }
    }
    acceptLoop(listener)
  }

  private func acceptLoop(_ listener: CInt) -> Never {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else {
        if errno != EINTR && errno != ECONNABORTED { pause(for: Milliseconds(10)) }
        continue
      }
      serve(connection)
      close(connection)
    }
  }

  private func serve(_ connection: CInt) {
    var reader = RequestReader(connection: connection)
    while true {
      var begun = false
      let outcome = reader.next {
        lifecycle.began()
        begun = true
      }
      defer { if begun { lifecycle.ended() } }
      switch outcome {
      case .closed: return
      case .malformed(let what):
        note("MALFORMED \(what)")
        return
      case .request(let request):
        guard answer(request, on: connection) else { return }
      }
    }
  }

  /// False where the connection is to be closed.
  private func answer(_ request: Request, on connection: CInt) -> Bool {
    switch request.path {
    case "/status": return answerProbe(request, on: connection)
    default: break
    }
    note("\(request.method) \(request.target)")
    served.add(1, ordering: .relaxed)
    let orders: Orders
    do {
      orders = try Orders(request.query)
    } catch {
      var reply = self.reply(to: request, status: 400)
      reply.text("cannot read the order \(error.order)\n")
      return reply.send(on: connection)
    }
    carryOut(orders)
    var reply = self.reply(to: request, status: orders.status)
    reply.keepAlive = reply.keepAlive && !orders.close
    reply.orders = orders
    switch request.path {
    case "/echo": reply.json(echo(request))
    case "/cache": reply.json("{\"found\":\(quoted(found))}")
    default: reply.pattern(count: orders.bytes)
    }
    let sent = reply.send(on: connection)
    orders.crash(at: .after)
    if let status = orders.exit { exit(status) }
    return sent && !orders.silent
  }

  private func answerProbe(_ request: Request, on connection: CInt) -> Bool {
    let healthy =
      !sick.load(ordering: .relaxed) && habits.failProbesAfter.map { served.load(ordering: .relaxed) < $0 } ?? true
      && habits.sickWhile.map { access($0, F_OK) != 0 } ?? true
    var reply = reply(to: request, status: healthy ? 200 : 503)
    reply.text(healthy ? "running\n" : "sick\n")
    return reply.send(on: connection)
  }

  private func carryOut(_ orders: Orders) {
    for _ in 0..<orders.print { say(String(repeating: "x", count: orders.length), to: STDOUT_FILENO) }
    touch(orders.leak.count + habits.leak.count)
    for folder in caches.cache where orders.cache > 0 {
      caches.leave(orders.cache, in: folder, named: place.fileName)
    }
    if orders.sick { sick.store(true, ordering: .relaxed) }
    pause(for: Milliseconds(orders.delay.count + habits.slow.count))
    if orders.spin.count > 0 { spin(for: orders.spin) }
    while orders.hang { pause(for: Milliseconds(1000)) }
    while let file = orders.until, access(file, F_OK) != 0 { pause(for: Milliseconds(10)) }
    orders.crash(at: .before)
  }

  private func reply(to request: Request, status: Int) -> Reply {
    var reply = Reply(status: status, isHead: request.method == "HEAD")
    reply.keepAlive = request.keepAlive && !lifecycle.isStopping
    reply.headers = [
      ("X-Worker", "\(place.name) \(getpid())"), ("X-Cache-Found", "\(found.count)"),
      ("X-Born", getenv("STUB_BORN") == nil ? "started" : "forked"),
    ]
    if let version = Parenthood.version { reply.headers.append(("X-Code", version)) }
    return reply
  }

  private func echo(_ request: Request) -> String {
    let headers = request.headers.map { "[\(quoted($0.name)),\(quoted($0.value))]" }.joined(separator: ",")
    return
      "{\"method\":\(quoted(request.method)),\"target\":\(quoted(request.target)),\"headers\":[\(headers)],"
      + "\"body_bytes\":\(request.bodyBytes),\"body_digest\":\(quoted(request.bodyDigest.hex)),"
      + "\"worker\":\(quoted(place.name)),\"pid\":\(getpid())}"
  }

  private func note(_ line: String) {
    guard let journal = habits.journal else { return }
    let descriptor = open(journal, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return }
    let bytes = Array("\(line)\n".utf8)
    write(descriptor, bytes, bytes.count)
    close(descriptor)
  }
}

/// Memory that stays, every page of it written to.
private func touch(_ count: Int) {
  guard count > 0, let room = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
    room != MAP_FAILED
  else { return }
  for offset in stride(from: 0, to: count, by: 4096) {
    room.storeBytes(of: UInt8(truncatingIfNeeded: offset >> 12) | 1, toByteOffset: offset, as: UInt8.self)
  }
}

private func spin(for time: Milliseconds) {
  let end = ContinuousClock.now + .milliseconds(time.count)
  while ContinuousClock.now < end {}
}

private func quoted(_ strings: [String]) -> String {
  "[\(strings.map(quoted).joined(separator: ","))]"
}

/// A JSON string.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
