import Foundation
import GRDB
import Pool
import Synchronization
import TestSupport

@testable import History

extension PoolName {
  static let masters = PoolName(rawValue: "masters") ?? .unnamed
  static let others = PoolName(rawValue: "others") ?? .unnamed
  private static var unnamed: PoolName { preconditionFailure("a fine name") }
}

extension WorkerID {
  static func masters(_ slot: Int, _ generation: Int, in pool: PoolName = .masters) -> WorkerID {
    WorkerID(slot: SlotID(pool: pool, index: slot), generation: Generation(rawValue: generation))
  }
}

extension ExitRow {
  static func sample(
    _ reason: RecycleReason = .timer, pid: Int32 = 100, age: Double = 900, served: Int = 340, lost: Int = 0
  ) -> ExitRow {
    ExitRow(
      reason: reason, measured: "age 15m2s", limit: "15m", status: "exit 0", pid: pid,
      memoryAtBirthBytes: 90_000_000, memoryAtDeathBytes: 300_000_000, ageSeconds: age, requestsServed: served,
      requestsLost: lost, drainSeconds: 1.5, wipedEntries: 12, wipedBytes: 4096)
  }
}

/// 2026-11-23T10:00:00Z, and so many seconds.
func moment(_ seconds: Int) -> Date { Date(timeIntervalSince1970: Double(start + seconds)) }
let start = 1_795_428_000

func event(
  _ id: Int, at seconds: Int = 0, _ kind: Event.Kind = .supervisor, _ worker: WorkerID? = nil, exit: ExitRow? = nil
) -> Event {
  Event(
    id: id, at: Moments.text(moment(seconds)), kind: kind, message: "what happened, \(id)", worker: worker, exit: exit
  )
}

func sample(
  _ worker: WorkerID, at seconds: Int, memory: Int = 1000, requests: Int = 0, inFlight: Int = 0, pid: Int32 = 100
) -> WorkerSample {
  WorkerSample(
    worker: worker, pid: pid, at: start + seconds, bornAt: start, memory: ByteCount(bytes: memory),
    requestsTotal: requests, requestsInFlight: inFlight)
}

extension History.Pace {
  /// Writes at once and tries again soon.
  static let eager = History.Pace(gather: 0.01, retry: 0.05, upkeep: 0.05, patience: 60)
}

/// What a ledger said of itself so far.
final class Ears: Sendable {
  private let heard = Monitor<[String]>([])

  init(_ history: History) {
    Task { [heard] in
      for await sentence in history.news { heard.update { $0.append(sentence) } }
    }
  }

  var all: [String] { heard.read { $0 } }

  @discardableResult
  func first(_ words: String) async throws -> String {
    try await heard.first("news with \(words)", before: .after(.seconds(60))) { heard in
      heard.first { $0.contains(words) }
    }
  }
}

/// A ledger in a new folder, open.
func withHistory<Value>(
  _ policy: LedgerPolicy = LedgerPolicy(), pace: History.Pace = .eager,
  _ body: (History, String) async throws -> Value
) async throws -> Value {
  try await withTemporaryDirectory { folder async throws in
    let history = History(stateDirectory: folder, policy: policy, pace: pace)
    _ = await history.open()
    let value = try await body(history, folder)
    await history.close()
    return value
  }
}

/// The file as other tools see it. A history that is just being let go of holds it for a moment.
func ledger(in folder: String, _ configuration: Configuration = Configuration()) throws -> DatabaseQueue {
  var configuration = configuration
  configuration.busyMode = .timeout(60)
  return try DatabaseQueue(path: "\(folder)/history.sqlite", configuration: configuration)
}

func query<Value: DatabaseValueConvertible>(_ folder: String, _ sql: String) throws -> Value? {
  try ledger(in: folder).read { try Value.fetchOne($0, sql: sql) }
}

func names(in folder: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}
