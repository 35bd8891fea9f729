import Glibc

/// Many agents at once, in one thread: each opens a connection from an address of its own, asks once, and comes back
/// when a 503 tells it to, as Puppet's agents do.
public struct Crowd {
  public struct Outcome: Sendable {
    /// Of the last try; 0: it failed without an answer.
    public var status = 0
    /// From the first try's start and from the last one's, to the end; nanoseconds on one clock.
    public var began: Int64 = 0
    public var asked: Int64 = 0
    public var ended: Int64 = 0
    public var tries = 0
  }

  private enum Stage {
    case waits(until: Int64)
    case connects
    case listens
    case done
  }

  private struct Agent {
    var stage: Stage
    var descriptor: CInt = -1
    var received: [UInt8] = []
    var outcome = Outcome()
  }

  /// A Puppet agent tries so often.
  private static let mostTries = 100

  private let address: Address
  private let requests: [[UInt8]]
  /// After the beginning; nanoseconds.
  private let starts: [Int64]
  private var agents: [Agent]

  public init(_ count: Int, at address: Address, request: [UInt8]) {
    self.init(Array(repeating: (0, request), count: count), at: address)
  }

  /// Each at its own time, in nanoseconds from the beginning, whatever becomes of the others.
  public init(_ agents: [(start: Int64, request: [UInt8])], at address: Address) {
    self.address = address
    starts = agents.map(\.start)
    requests = agents.map(\.request)
    self.agents = Array(repeating: Agent(stage: .waits(until: 0)), count: agents.count)
  }

  /// Blocks its thread until all have an answer, or until the deadline.
  public mutating func run(before deadline: Deadline) -> [Outcome] {
    Self.allowDescriptors(agents.count + 256)
    let start = Self.now()
    for index in agents.indices {
      agents[index].outcome.began = start + starts[index]
      agents[index].stage = .waits(until: start + starts[index])
    }
    while !deadline.passed, step() {}
    return agents.indices.map { index in
      finish(index, status: nil)
      return agents[index].outcome
    }
  }

  /// False: all are done.
  private mutating func step() -> Bool {
    let now = Self.now()
    var polled: [pollfd] = []
    var owners: [Int] = []
    var nextStart = Int64.max
    for index in agents.indices {
      if case .waits(let until) = agents[index].stage {
        if until > now { nextStart = min(nextStart, until) } else { connect(index) }
      }
      switch agents[index].stage {
      case .waits, .done: continue
      case .connects: polled.append(pollfd(fd: agents[index].descriptor, events: Int16(POLLOUT), revents: 0))
      case .listens: polled.append(pollfd(fd: agents[index].descriptor, events: Int16(POLLIN), revents: 0))
      }
      owners.append(index)
    }
    if polled.isEmpty && nextStart == .max { return false }
    let patience = nextStart == .max ? 100 : min(100, (nextStart - now) / 1_000_000 + 1)
    guard poll(&polled, nfds_t(polled.count), CInt(max(0, patience))) > 0 else { return true }
    for (place, index) in owners.enumerated() where polled[place].revents != 0 { advance(index) }
    return true
  }

  private mutating func connect(_ index: Int) {
    agents[index].outcome.tries += 1
    agents[index].outcome.asked = Self.now()
    agents[index].received = []
    let descriptor = address.makeSocket(type: CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue))
    agents[index].descriptor = descriptor
    guard descriptor >= 0, address.bind(descriptor, asAgent: index) else { return finish(index, status: 0) }
    if address.withSockaddr({ Glibc.connect(descriptor, $0, $1) }) != 0, errno != EINPROGRESS {
      return finish(index, status: 0)
    }
    agents[index].stage = .connects
  }

  private mutating func advance(_ index: Int) {
    let descriptor = agents[index].descriptor
    switch agents[index].stage {
    case .waits, .done: return
    case .connects:
      // A few bytes, which a fresh socket takes.
      let request = requests[index]
      guard send(descriptor, request, request.count, CInt(MSG_NOSIGNAL)) == request.count else {
        return finish(index, status: 0)
      }
      agents[index].stage = .listens
    case .listens:
      var room = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &room, room.count, 0)
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else { return finish(index, status: 0) }
      agents[index].received += room[..<count]
      readAnswer(index)
    }
  }

  /// The head is enough: bodies are small, and the connection is not used again.
  private mutating func readAnswer(_ index: Int) {
    let text = String(decoding: agents[index].received, as: UTF8.self)
    guard text.contains("\r\n\r\n"), let status = Int(text.dropFirst(9).prefix(3)) else { return }
    let retryAfter = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("retry-after:") }
      .flatMap { Int64($0.drop { $0 != " " }.dropFirst()) }
    guard status == 503, let retryAfter, agents[index].outcome.tries < Self.mostTries else {
      return finish(index, status: status)
    }
    close(agents[index].descriptor)
    agents[index].descriptor = -1
    agents[index].stage = .waits(until: Self.now() + retryAfter * 1_000_000_000)
  }

  /// `status` nil: only where it is not done yet.
  private mutating func finish(_ index: Int, status: Int?) {
    if case .done = agents[index].stage { return }
    if agents[index].descriptor >= 0 { close(agents[index].descriptor) }
    agents[index].descriptor = -1
    agents[index].stage = .done
    agents[index].outcome.status = status ?? 0
    agents[index].outcome.ended = Self.now()
  }

  private static func allowDescriptors(_ count: Int) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(count) else {
      return
    }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
