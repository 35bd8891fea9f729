import Advice
import ArgumentParser
import Control
import Foundation
import History
import Pool
import Simulator

struct AdviseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "advise",
    abstract: "What to set: how fast workers leak, and the longest safe interval.",
    discussion: """
        masterpool advise
        masterpool advise masters --since 2d
        masterpool advise masters --what-if every=4h,memory=350MiB
        masterpool advise --json | jq '.pools[] | {pool, verdict, advice}'

      From the ledger's samples: what a warm worker holds, by how much it grows an hour and a request, when it reaches \
      its limit, how many restarts a day each reason made and what they cost the pool, and from these the longest safe \
      recycle.every, memory, requests, and the number of workers for this machine. Where nothing leaks it says so, and \
      where it cannot tell yet, how much longer it takes.

      How: a life is split into warming up and what comes after, and that is fitted by Theil and Sen's line, which a \
      garbage collector or one large catalog does not move; lives count by the time that they were watched. What is \
      advised is safe for nine workers in ten, with a fifth of the room to spare. Workers are as many as it takes for at \
      most one request in five to wait in the busiest hour of the last day (Erlang's C formula), each for as many \
      requests at once as its concurrency, and no more than cores and memory there are.

      --what-if lives through the ledger again under other settings: the same requests at the same times, workers that \
      grow as they did, and the crashes and hangs that there were. Keys: every, memory, memory_limit, requests; off \
      takes one away.

      Exit status: 0 done, 1 failed, 64 usage, 69 no supervisor and no ledger there, 78 bad settings in --config.
      """)

  @Argument(help: "Only this pool.") var pool: PoolName?
  @OptionGroup var place: HistoryPlace

  @Option(help: ArgumentHelp("Only what came after: \(Moment.forms). (default: 7d)", valueName: "time"))
  var since: String?

  @Option(
    help: ArgumentHelp(
      "Live through it again under these: every=4h,memory=350MiB. Keys: \(Change.keys); off takes one away.",
      valueName: "key=value,…"),
    transform: Change.init)
  var whatIf: Change?

  @Flag(help: "Print one JSON document.") var json = false

  /// `every=4h,memory=350MiB`
  struct Change {
    enum Key: String, CaseIterable {
      case every, memory
      case memoryLimit = "memory_limit"
      case requests
    }

    static let keys = Key.allCases.map(\.rawValue).joined(separator: ", ")
    private var assignments: [(key: Key, value: String)] = []

    init(_ argument: String) throws {
      var trial = Evidence.Settings(workers: 1)
      for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
        let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let key = Key(rawValue: sides[0]) else {
          throw ValidationError("--what-if takes \(Self.keys), not \(sides[0].debugDescription)")
        }
        guard let value = sides.dropFirst().first, Self.set(key, value, in: &trial) else {
          throw ValidationError("--what-if takes \(key.rawValue)=\(Self.example(of: key)) or \(key.rawValue)=off")
        }
        assignments.append((key, value))
      }
    }

    func apply(to settings: inout Evidence.Settings) {
      for (key, value) in assignments { Self.set(key, value, in: &settings) }
    }

    private static func example(of key: Key) -> String {
      switch key {
      case .every: "4h"
      case .memory: "350MiB"
      case .memoryLimit: "1GiB"
      case .requests: "2000"
      }
    }

    /// False: a value that is none.
    @discardableResult
    private static func set(_ key: Key, _ text: String, in settings: inout Evidence.Settings) -> Bool {
      switch key {
      case .every: set(&settings.everySeconds, text) { Duration(words: $0)?.inSeconds }
      case .memory: set(&settings.memory, text) { ByteCount(words: $0).map { Double($0.bytes) } }
      case .memoryLimit: set(&settings.memoryLimit, text) { ByteCount(words: $0).map { Double($0.bytes) } }
      case .requests: set(&settings.requests, text) { Int(words: $0) }
      }
    }

    private static func set<Value>(_ value: inout Value?, _ text: String, _ read: (String) -> Value?) -> Bool {
      value = text == "off" ? nil : read(text)
      return text == "off" || value != nil
    }
  }

  func run() async throws {
    let since = try since.map(moment)
    let evidence = try await place.ask { client async throws(ControlFailure) in
      let pools = try await client.status().pools.map(PoolFacts.init)
      return try await Gathering(client).evidence(of: pools, only: pool, since: since)
    } orRead: { reader async throws(HistoryUnreadable) in
      let pools = try await pools(in: reader)
      var gathering = Gathering(reader)
      if let end = try await reader.end() { gathering.now = end }
      return try await gathering.evidence(of: pools, only: pool, since: since)
    }
    guard !evidence.isEmpty else {
      Terminal.complain(pool.map { "no pool \($0) is known" } ?? "the ledger knows no pool yet")
      throw ExitCode.failure
    }
    if let whatIf { try show(evidence, under: whatIf) } else { try show(evidence) }
  }

  private func moment(_ text: String) throws -> String {
    guard let moment = Moment.read(text, now: Date()) else { throw ValidationError("--since takes \(Moment.forms)") }
    return moment
  }

  /// The settings' where these are named, else what the ledger has seen.
  private func pools(in reader: HistoryReader) async throws(HistoryUnreadable) -> [PoolFacts] {
    if let config = place.config, let settings = try? loadSettings(config: config) {
      return settings.pools.map(PoolFacts.init)
    }
    return try await reader.pools()
  }

  private func show(_ evidence: [Evidence]) throws {
    let document = AdviceDocument(pools: evidence.map(Counsel.advise))
    Terminal.say(json ? try Terminal.json(document, pretty: true) : AdviceText.render(document))
  }

  private func show(_ evidence: [Evidence], under change: Change) throws {
    let comparisons = evidence.compactMap { evidence -> WhatIfComparison? in
      guard let ledger = WhatIf(evidence) else { return nil }
      var settings = evidence.settings
      change.apply(to: &settings)
      return WhatIfComparison(
        asItIs: ledger.replay(under: evidence.settings), then: ledger.replay(under: settings))
    }
    guard !comparisons.isEmpty else {
      Terminal.complain("no worker has lived long enough to say how it grows: masterpool advise")
      throw ExitCode.failure
    }
    Terminal.say(json ? try Terminal.json(comparisons, pretty: true) : AdviceText.render(comparisons))
  }
}

extension Gathering<ControlFailure> {
  init(_ client: ControlClient) {
    self.init(
      samples: { (query) async throws(ControlFailure) in try await client.samples(query) },
      events: { (filter, limit) async throws(ControlFailure) in try await client.events(filter, limit: limit) })
  }
}
