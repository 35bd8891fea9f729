import Foundation
import Pool
import Seeded
import TestSupport
import Testing

/// What a worker gets from the proxy, byte by byte, is shown to other readers of HTTP, and a request of ours behind
/// it: each takes it for the same single request, or refuses it, and then sees ours whole.
@Suite struct DifferentialTests {
  @Test(arguments: Peer.allCases)
  func theCorpusMeansTheSameToEveryReader(_ peer: Peer) async throws {
    let requests = try RawRequest.all("valid")
    let names = requests.map(\.key)
    let forwarded = try await forwarded(requests.map(\.bytes))
    #expect(forwarded.count >= 80)
    var found: [String: String] = [:]
    try await withPeer(peer) { running in
      for (index, bytes) in forwarded {
        let difference = try await running.difference(on: bytes)
        if let difference { found[names[index]] = difference }
      }
      #expect(running.faults == [])
    }
    let known = KnownDifference.of(peer)
    for (name, difference) in found {
      #expect(known[name] != nil, "\(peer.rawValue) on \(name): \(difference)")
    }
    let mended = Set(known.keys).subtracting(found.keys)
    #expect(mended == [], "listed as differences, and are none")
  }

  @Test(arguments: Peer.allCases)
  func whateverIsLetThroughMeansTheSameToEveryReader(_ peer: Peer) async throws {
    let seed = fuzzSeed()
    let valid = try RawRequest.all("valid").map(\.bytes).filter { $0.count < 4096 }
    let invalid = try RawRequest.all("invalid").map(\.bytes).filter { $0.count < 4096 }
    let seeds = Array(repeating: valid, count: 8).flatMap(\.self) + invalid
    var mutator = Mutator(random: SeededGenerator(seed: seed), seeds: seeds)
    let forwarded = try await forwarded((0..<4000).map { _ in mutator.next() })
    #expect(forwarded.count > 400, "too few mutants are let through to say anything")
    var refused = 0
    try await withPeer(peer) { running in
      for (_, bytes) in forwarded {
        guard let difference = try await running.difference(on: bytes) else { continue }
        // A narrower reader is no harm: nobody is served what was not asked for.
        if difference.hasPrefix("refuses") {
          refused += 1
        } else {
          Issue.record("seed \(seed): \(peer.rawValue) \(difference)")
        }
      }
      #expect(running.faults == [])
    }
    #expect(refused < forwarded.count / 2, "\(peer.rawValue) refuses \(refused) of \(forwarded.count)")
  }

  /// What the worker got for each of these, which are sent by an agent that then sends no more; more than one thing
  /// where an agent asked for more on its connection, nothing where it was refused.
  private func forwarded(_ requests: [[UInt8]]) async throws -> [(index: Int, bytes: [UInt8])] {
    let log = Monitor(Recording())
    var all: [(index: Int, bytes: [UInt8])] = []
    var arrangement = Arrangement()
    // For the corpus's longest target.
    arrangement.limits.maxURILength = .kibibytes(32)
    try await withProxy(arrangement, worker: recording(into: log, isTelling: false)) { proxy, _ in
      for (index, bytes) in requests.enumerated() {
        let before = log.read { $0.requests.count }
        try await agent(at: proxy.address) { agent in
          try? agent.send(bytes)
          agent.wire.finishSending()
          _ = agent.end()
        }
        all += log.read { $0.requests[before...] }.map { (index, $0) }
      }
      let faults = log.read { $0.faults }
      #expect(faults == [])
    }
    return all
  }
}

extension RunningPeer {
  private static let ours = Array("GET /ours?a=b HTTP/1.1\r\nHost: ours.example\r\nX-Ours: 1\r\n\r\n".utf8)

  /// Nil where it takes the request for what a plain reader does, and what is sent behind it too.
  func difference(on request: [UInt8]) async throws -> String? {
    guard case .whole(let plain, request.count) = PlainReading(request) else { return "no single request" }
    let address = address
    return try await onThread {
      let deadline = Deadline.patient
      let wire = try Wire(to: address, before: deadline)
      var reader = ResponseReader()
      // It may refuse it before its end.
      try? wire.send(request, before: deadline)
      let first = try reader.next(from: wire, to: plain.method, before: deadline)
      guard let meaning = first.meaning else { return "refuses it with \(first.status)" }
      guard meaning == plain.meaning else { return "takes \(plain.meaning)\nfor \(meaning)" }
      // As the proxy does, after the answer: a peer that waits for more of the body, or keeps some of it, shows now.
      // One that closes instead has nothing left to mix up.
      let second: HTTPResponse
      do {
        try wire.send(Self.ours, before: deadline)
        second = try reader.next(from: wire, to: "GET", before: deadline)
      } catch WireFailure.reset, ExchangeFailure.unanswered {
        return nil
      }
      guard case .whole(let ours, _) = PlainReading(Self.ours), second.meaning == ours.meaning else {
        return "sees behind it \(second.status) \(second.meaning.map { "\($0)" } ?? "")"
      }
      return nil
    }
  }
}

extension HTTPResponse {
  fileprivate var meaning: Meaning? {
    header("x-meaning").flatMap { Data(base64Encoded: $0) }
      .flatMap { try? JSONDecoder().decode(SpokenMeaning.self, from: $0) }?.meaning
  }
}
