import CLinux
import COpenSSL
import Glibc

/// One epoll loop over all connections.
final class Driver {
  private let plan: Plan
  private let client: Client?
  private let poller: Int32
  private let slots: UnsafeMutablePointer<Slot>
  /// Head and body of every request.
  private let order: [UInt8]
  private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
  private var tally = Tally()
  private var opened = 0
  private var held = 0
  private var isOver = false

  init(_ plan: Plan, client: Client?) throws {
    self.plan = plan
    self.client = client
    poller = clinux_epoll_create()
    slots = .allocate(capacity: plan.connections)
    slots.initialize(repeating: Slot(), count: plan.connections)
    let method = plan.upload > 0 ? "POST" : "GET"
    let length = plan.upload > 0 ? "Content-Type: text/plain\r\nContent-Length: \(plan.upload)\r\n" : ""
    let head =
      "\(method) \(plan.path) HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, application/vnd.puppet.rich+json\r\n"
      + "User-Agent: Puppet/7.23.0 Ruby/3.1.2-p20 (x86_64-linux)\r\n\(length)\r\n"
    order = Array(head.utf8) + [UInt8](repeating: UInt8(ascii: "u"), count: plan.upload)
    signal(SIGPIPE, SIG_IGN)
    raiseDescriptorLimit()
  }

  deinit {
    room.deallocate()
    slots.deallocate()
    close(poller)
  }

  func run() throws {
    while opened < min(plan.abreast, plan.connections) { openNext() }
    let began = now()
    let end = plan.seconds.map { began + Int64($0 * 1e9) }
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    while !isOver {
      let left = end.map { max(0, ($0 - now()) / 1_000_000 + 1) } ?? 1000
      let count = clinux_epoll_wait(poller, &events, Int32(events.count), Int32(clamping: left))
      for index in 0..<Int(max(0, count)) { advance(slots + Int(events[index].data.u64)) }
      if let end, now() >= end { break }
      if plan.holds, held + tally.failures == plan.connections { break }
      if tally.failures > 100, tally.failures > tally.latencies.count { break }
    }
    tally.seconds = Double(now() - began) / 1e9
    let line = Array((tally.line(holding: plan.holds ? held : nil) + "\n").utf8)
    _ = line.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    if plan.holds {
      var byte: UInt8 = 0
      while read(0, &byte, 1) > 0 {}
    }
  }

  // MARK: One connection

  private func openNext() {
    opened += 1
    open(slots + (opened - 1))
  }

  private func open(_ slot: UnsafeMutablePointer<Slot>) {
    let descriptor = clinux_stream_socket(AF_INET)
    guard descriptor >= 0 else { return fail(slot) }
    slot.pointee.descriptor = descriptor
    slot.pointee.phase = .connecting
    slot.pointee.requests = 0
    slot.pointee.began = now()
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    // Several addresses, since each has only so many ports to wait for a closed connection's end.
    bind(descriptor, to: UInt32(0x7f00_0001 + (slot - slots) % 16))
    guard connect(descriptor) else { return fail(slot) }
    let interest = clinux_epoll_in | clinux_epoll_out | clinux_epoll_edge
    guard clinux_epoll_control(poller, EPOLL_CTL_ADD, descriptor, interest, UInt64(slot - slots)) == 0 else {
      return fail(slot)
    }
  }

  private func bind(_ descriptor: Int32, to address: UInt32) {
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &one, 4)
    withAddress(address, port: 0) { _ = Glibc.bind(descriptor, $0, $1) }
  }

  private func connect(_ descriptor: Int32) -> Bool {
    withAddress(0x7f00_0001, port: plan.port) { Glibc.connect(descriptor, $0, $1) == 0 || errno == EINPROGRESS }
  }

  private func withAddress<Value>(
    _ host: UInt32, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
  ) -> Value {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = host.bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  private func advance(_ slot: UnsafeMutablePointer<Slot>) {
    while true {
      let goesOn: Bool
      switch slot.pointee.phase {
      case .vacant, .resting: return
      case .connecting: goesOn = finishConnecting(slot)
      case .handshaking: goesOn = shakeHands(slot)
      case .sending: goesOn = send(slot)
      case .receiving: goesOn = receive(slot)
      }
      guard goesOn else { return }
    }
  }

  private func finishConnecting(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(slot.pointee.descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
      fail(slot)
      return false
    }
    guard let client else {
      startRequest(slot)
      return true
    }
    slot.pointee.ssl = client.begin(slot, resuming: plan.resumes ? slot.pointee.session : nil)
    slot.pointee.phase = .handshaking
    return true
  }

  private func shakeHands(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
    guard let ssl = slot.pointee.ssl else { return false }
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    guard result == 1 else {
      if case .failed = Slot.verdict(ssl, result) { fail(slot) }
      return false
    }
    tally.handshakes += 1
    if SSL_session_reused(ssl) == 1 { tally.resumed += 1 }
    startRequest(slot)
    return true
  }

  private func startRequest(_ slot: UnsafeMutablePointer<Slot>) {
    // A new connection's first request is timed from its beginning.
    if slot.pointee.requests > 0 { slot.pointee.began = now() }
    slot.pointee.sent = 0
    slot.pointee.phase = .sending
  }

  private func send(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
    while slot.pointee.sent < order.count {
      let step = order.withUnsafeBytes { order in
        slot.pointee.send(UnsafeRawBufferPointer(rebasing: order[slot.pointee.sent...]))
      }
      switch step {
      case .moved(let count): slot.pointee.sent += count
      case .later: return false
      case .failed:
        fail(slot)
        return false
      }
    }
    slot.pointee.head.removeAll(keepingCapacity: true)
    slot.pointee.missing = nil
    slot.pointee.phase = .receiving
    return true
  }

  private func receive(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
    while true {
      switch slot.pointee.receive(room) {
      case .later: return false
      case .failed:
        fail(slot)
        return false
      case .moved(let count):
        guard slot.pointee.take(UnsafeRawBufferPointer(rebasing: room[..<count])) else { continue }
        finishRequest(slot)
        return slot.pointee.phase == .sending
      }
    }
  }

  private func finishRequest(_ slot: UnsafeMutablePointer<Slot>) {
    tally.latencies.append(Float(now() - slot.pointee.began) / 1e6)
    if !(200..<300).contains(slot.pointee.status) { tally.refused += 1 }
    slot.pointee.requests += 1
    if plan.holds {
      slot.pointee.phase = .resting
      slot.pointee.head = []
      held += 1
      if opened < plan.connections { openNext() }
    } else if slot.pointee.requests == plan.requests {
      end(slot)
      open(slot)
    } else {
      startRequest(slot)
    }
  }

  private func end(_ slot: UnsafeMutablePointer<Slot>) {
    if let ssl = slot.pointee.ssl {
      SSL_shutdown(ssl)
      SSL_free(ssl)
      slot.pointee.ssl = nil
    }
    if slot.pointee.descriptor >= 0 { close(slot.pointee.descriptor) }
    slot.pointee.descriptor = -1
    slot.pointee.phase = .vacant
  }

  private func fail(_ slot: UnsafeMutablePointer<Slot>) {
    tally.failures += 1
    ERR_clear_error()
    end(slot)
    if plan.holds {
      if opened < plan.connections { openNext() }
    } else if tally.failures < 1000 {
      open(slot)
    }
  }
}

func now() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

private func raiseDescriptorLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
