import HTTPWire
import Pool
import Synchronization

/// What the workers are at, for whoever asks how they do.
extension Loop {
  /// Asked once for each request that takes a while; what is known of it by then stays.
  mutating func describe(_ claims: [StandingClaim]) {
    for standing in claims {
      guard let c = slab.find(standing.ticket.index, serial: standing.ticket.serial),
        let claim = c.pointee.worker.claim, standing.isOf(claim)
      else { continue }
      let current = CurrentRequest(request: requestLine(c), node: nodeName(c), started: standing.since)
      shared.currents.withLock { $0[standing.worker] = current }
    }
  }

  private static let maxRequestLine = 200

  /// `POST /puppet/v3/catalog/web7`, as it went to the worker.
  func requestLine(_ c: Record) -> String {
    let line = c.pointee.upload.rendered.bytes.prefix(Self.maxRequestLine).prefix { $0 != UInt8(ascii: "\r") }
    let words = line.split(separator: UInt8(ascii: " ")).prefix(2)
    // What follows the question mark may be a secret, and is no part of a route.
    guard !words.isEmpty else { return "a request whose answer has begun" }
    return words.map { String(decoding: $0.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self) }.joined(separator: " ")
  }
}

/// The desk's side: which requests to ask the loops about, and what they said.
struct CurrentRequests {
  /// Shorter ones are over before anybody sees them.
  static let age = Duration.milliseconds(100)

  private let shared: Shared

  init(_ shared: Shared) { self.shared = shared }

  /// About those that nothing is known of yet.
  func ask(at now: Instant) {
    let standing = shared.ledger.withLock { $0.oldestClaims(longerThan: Self.age, at: now) }
    let known = shared.currents.withLock { currents in
      let workers = Set(standing.map(\.worker))
      currents = currents.filter { workers.contains($0.key) }
      return currents
    }
    let unknown = standing.filter { known[$0.worker]?.started != $0.since }
    for (loop, claims) in Dictionary(grouping: unknown, by: \.ticket.loop) {
      shared.doors[Int(loop)].post(.describe(claims))
    }
  }

  /// Into the counters of workers that are still at it.
  func add(to workers: inout [WorkerCounters]) {
    let known = shared.currents.withLock { $0 }
    guard !known.isEmpty else { return }
    for index in workers.indices {
      guard let current = known[workers[index].worker], current.started == workers[index].oldestRequestStarted else {
        continue
      }
      workers[index].current = current
    }
  }
}
