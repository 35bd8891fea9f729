import Foundation

/// One kind of request of a load, and what its answer must hold.
public struct LoadRequest: Sendable {
  public enum Expectation: Sendable {
    case anything
    /// The stub's pattern, so long.
    case pattern(bytes: Int)
    /// The stub's echo of this method, target and body.
    case echo
  }

  public var method: String
  public var target: String
  public var headers: [(String, String)]
  public var body: [UInt8]
  public var expectation: Expectation

  public init(
    _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = [],
    expect expectation: Expectation = .anything
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.expectation = expectation
  }

  /// A GET of so many bytes of the stub's pattern; further orders as `&ms=5`.
  public static func get(bytes: Int, _ orders: String = "") -> LoadRequest {
    LoadRequest("GET", "/work?bytes=\(bytes)\(orders)", expect: .pattern(bytes: bytes))
  }

  /// A POST of so many bytes, whose digest comes back.
  public static func post(bytes: Int, _ orders: String = "") -> LoadRequest {
    LoadRequest("POST", "/echo?n=\(bytes)\(orders)", body: patternBytes(bytes), expect: .echo)
  }

  public func isFulfilled(by response: HTTPResponse) -> Bool {
    switch expectation {
    case .anything: true
    case .pattern(let count): method == "HEAD" ? response.body.isEmpty : same(response.body, patternBytes(count))
    case .echo:
      response.text.contains("\"target\":\"\(target)\"")
        && response.text.contains("\"body_bytes\":\(body.count),\"body_digest\":\"\(digest(body))\"")
    }
  }
}

/// The stub's pattern: byte i is `33 + i % 89`.
public func patternBytes(_ count: Int) -> [UInt8] {
  let period = 89
  return [UInt8](unsafeUninitializedCapacity: count) { room, initialized in
    for index in 0..<min(period, count) { room[index] = UInt8(33 + index) }
    // By doubling, since a loop over each byte is slow in a debug build.
    var filled = min(period, count)
    while filled < count, let base = room.baseAddress {
      let part = min(filled, count - filled)
      memcpy(base + filled, base, part)
      filled += part
    }
    initialized = count
  }
}

/// FNV-1a, 64 bits, in hexadecimal: the stub's digest of a body.
public func digest(_ bytes: [UInt8]) -> String {
  var value: UInt64 = 0xcbf2_9ce4_8422_2325
  bytes.withUnsafeBytes { bytes in
    guard var next = bytes.baseAddress else { return }
    let end = next + bytes.count
    while next < end {
      value = (value ^ UInt64(next.load(as: UInt8.self))) &* 0x100_0000_01b3
      next += 1
    }
  }
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

private func same(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.count == b.count && memcmp(a, b, a.count) == 0
}

/// What became of a load, counted where it hurts: at the client.
public struct LoadReport: Sendable, CustomStringConvertible {
  /// A request that got no whole answer.
  public enum Loss: String, Sendable, CaseIterable {
    /// Nobody listened.
    case refused
    /// A new connection was closed before a byte of the first answer.
    case unansweredNew = "closed before the first answer"
    /// A kept-alive connection was closed without a word: what an agent does not forgive.
    case unansweredKept = "kept-alive connection closed in silence"
    /// Closed within an answer.
    case cut = "cut within the answer"
    case timedOut = "timed out"
    case malformed
    case handshake = "TLS handshake failed"
  }

  public var statuses: [Int: Int] = [:]
  public var losses: [Loss: Int] = [:]
  /// Answers with 200 whose body is not what was asked for.
  public var wrongBodies = 0
  public var connections = 0
  /// `pool/slot#generation` of X-Worker.
  public var workers: [String: Int] = [:]
  /// The stub's count of cache files that a worker found at its start, where it was not zero.
  public var foundCaches: [String: Int] = [:]
  public var slowest = Duration.zero
  /// The first few failures in words.
  public var samples: [String] = []

  public var completed: Int { statuses.values.reduce(0, +) }
  public var ok: Int { statuses[200] ?? 0 }
  public var lost: Int { losses.values.reduce(0, +) }
  /// All but whole, right answers with status 200.
  public var failures: Int { completed - ok + lost + wrongBodies }

  public var description: String {
    let byStatus = statuses.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    let byLoss = losses.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue): \($0.value)" }
    let seconds = Double(slowest.components.seconds) + Double(slowest.components.attoseconds) / 1e18
    return
      "\(completed) answers (\(byStatus.joined(separator: ", "))), \(lost) lost (\(byLoss.joined(separator: ", "))), "
      + "\(wrongBodies) wrong bodies, \(connections) connections, \(workers.count) workers, slowest \(seconds) s"
      + samples.map { "\n  \($0)" }.joined()
  }

  mutating func lose(_ loss: Loss, _ words: String) {
    losses[loss, default: 0] += 1
    if samples.count < 20 { samples.append("\(loss.rawValue): \(words)") }
  }
}

/// A number of clients, each with one kept-alive connection, that go through a list of requests again and again. A
/// client whose connection is told to close, or is lost, opens another.
public final class Load: Sendable {
  public struct Plan: Sendable {
    public var address: Address
    public var tls: TLSClient?
    public var connections: Int
    public var requests: [LoadRequest]
    /// Stop by itself after so many requests in all.
    public var total: Int?
    /// Stop a client at its first refused or unanswered new connection: the service is going away.
    public var untilRefused = false
    /// Each client closes its connection after so many requests, as an agent does after its run.
    public var requestsPerConnection: Int?
    /// Under a second.
    public var pause = Duration.zero
    public var timeout = Duration.seconds(60)

    public init(_ address: Address, tls: TLSClient? = nil, connections: Int, requests: [LoadRequest]) {
      self.address = address
      self.tls = tls
      self.connections = connections
      self.requests = requests
    }
  }

  private struct Progress: Sendable {
    var report = LoadReport()
    var begun = 0
    var running: Int
    var stopping = false
  }

  private let plan: Plan
  private let progress: Monitor<Progress>

  /// Starts at once.
  public init(_ plan: Plan) {
    self.plan = plan
    progress = Monitor(Progress(running: plan.connections))
    for index in 0..<plan.connections {
      Thread.detachNewThread { self.runClient(index) }
    }
  }

  public var report: LoadReport { progress.read { $0.report } }

  /// Waits until so many requests in all have been answered or lost.
  public func reached(_ count: Int, within time: Duration = .seconds(120)) async throws {
    _ = try await progress.first("\(count) requests of the load", before: .after(time)) { progress in
      progress.report.completed + progress.report.lost >= count ? true : nil
    }
  }

  /// Lets the clients finish the request they are at.
  @discardableResult
  public func stop(within time: Duration = .seconds(90)) async throws -> LoadReport {
    progress.update { $0.stopping = true }
    return try await finished(within: time)
  }

  /// Waits for a load that ends by itself.
  @discardableResult
  public func finished(within time: Duration = .seconds(120)) async throws -> LoadReport {
    try await progress.first("the load's end", before: .after(time)) { $0.running == 0 ? $0.report : nil }
  }

  private func runClient(_ index: Int) {
    var turn = index
    while runConnection(&turn) {}
    progress.update { $0.running -= 1 }
  }

  /// Takes one request of the total, if there is one left.
  private func begin() -> Bool {
    progress.update { progress in
      guard !progress.stopping, progress.begun < (plan.total ?? .max) else { return false }
      progress.begun += 1
      return true
    }
  }

  /// False where the client is to end.
  private func runConnection(_ turn: inout Int) -> Bool {
    guard begin() else { return false }
    let deadline = Deadline.after(plan.timeout)
    do throws(WireFailure) {
      let wire = try Wire(to: plan.address, tls: plan.tls, before: deadline)
      progress.update { $0.report.connections += 1 }
      return runRequests(on: wire, &turn)
    } catch {
      let loss: LoadReport.Loss =
        switch error {
        case .refused: .refused
        case .reset: .unansweredNew
        case .timedOut: .timedOut
        case .tls: .handshake
        }
      progress.update { $0.report.lose(loss, error.description) }
      // Many refusals a second tell no more than a few.
      if !plan.untilRefused { usleep(5000) }
      return !plan.untilRefused
    }
  }

  /// One request has begun already when this is called.
  private func runRequests(on wire: borrowing Wire, _ turn: inout Int) -> Bool {
    var reader = ResponseReader()
    var served = 0
    while true {
      let wanted = plan.requests[turn % plan.requests.count]
      turn += 1
      let isLast = served + 1 == plan.requestsPerConnection
      let started = ContinuousClock.now
      do throws(ExchangeFailure) {
        let response = try perform(wanted, on: wire, &reader, close: isLast)
        note(response, to: wanted, took: .now - started)
        served += 1
        if response.saysClose || isLast { return true }
      } catch {
        return noteLoss(error, of: wanted, isNew: served == 0)
      }
      if plan.pause > .zero { usleep(UInt32(clamping: plan.pause.components.attoseconds / 1_000_000_000_000)) }
      guard begin() else { return false }
    }
  }

  private func perform(
    _ wanted: LoadRequest, on wire: borrowing Wire, _ reader: inout ResponseReader, close: Bool
  ) throws(ExchangeFailure) -> HTTPResponse {
    let deadline = Deadline.after(plan.timeout)
    let headers = wanted.headers + (close ? [("Connection", "close")] : [])
    do throws(WireFailure) {
      try wire.send(
        requestBytes(wanted.method, wanted.target, headers: headers, body: wanted.body), before: deadline)
    } catch {
      throw error == .timedOut ? .timedOut : .unanswered(error)
    }
    return try reader.next(from: wire, to: wanted.method, before: deadline)
  }

  private func note(_ response: HTTPResponse, to wanted: LoadRequest, took time: Duration) {
    let right = response.status != 200 || wanted.isFulfilled(by: response)
    progress.update { progress in
      progress.report.statuses[response.status, default: 0] += 1
      progress.report.slowest = max(progress.report.slowest, time)
      if let worker = response.header("x-worker")?.split(separator: " ").first {
        progress.report.workers[String(worker), default: 0] += 1
        if let found = response.header("x-cache-found").flatMap(Int.init), found > 0 {
          progress.report.foundCaches[String(worker)] = found
        }
      }
      if !right { progress.report.wrongBodies += 1 }
      if !right || response.status != 200, progress.report.samples.count < 20 {
        let body = response.text.prefix(200)
        progress.report.samples.append("\(wanted.method) \(wanted.target): \(response.status) \(body)")
      }
    }
  }

  private func noteLoss(_ failure: ExchangeFailure, of wanted: LoadRequest, isNew: Bool) -> Bool {
    let loss: LoadReport.Loss =
      switch failure {
      case .unanswered: isNew ? .unansweredNew : .unansweredKept
      case .cut: .cut
      case .timedOut: .timedOut
      case .malformed: .malformed
      }
    progress.update { $0.report.lose(loss, "\(wanted.method) \(wanted.target): \(failure)") }
    return !plan.untilRefused
  }
}
