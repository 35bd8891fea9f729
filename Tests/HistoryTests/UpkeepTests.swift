import Foundation
import GRDB
import Pool
import TestSupport
import Testing

@testable import History

/// The past gets coarser, and ends somewhere.
@Suite struct UpkeepTests {
  private static let day = 86400

  /// A keeper in a new folder; time is what the test says.
  private func withKeeper(
    _ policy: LedgerPolicy = LedgerPolicy(), _ body: (inout Keeper, String) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder async throws in
      var keeper = Keeper(file: LedgerFile(stateDirectory: folder), policy: policy)
      _ = try keeper.open(at: moment(0))
      try await body(&keeper, folder)
      keeper.close()
    }
  }

  private func tidy(_ keeper: inout Keeper, at now: Date) throws {
    for _ in 0..<1000 where try keeper.tidy(at: now).isBusy {}
  }

  private func reader(_ keeper: Keeper) throws -> HistoryReader { HistoryReader(try #require(keeper.pool)) }

  private func put(_ samples: [WorkerSample], and events: [Event] = [], in keeper: inout Keeper) throws {
    _ = try keeper.write(Backlog.Batch(events: events, samples: samples), at: moment(0))
  }

  @Test func samplesAreFineForADayThenMinutesThenTenMinutes() async throws {
    try await withKeeper { keeper, _ async throws in
      let days = 9
      let samples = stride(from: 0, to: days * Self.day, by: 10).map { at in
        sample(.masters(0, 1), at: at, memory: 1000 + at % 60, requests: at / 10, inFlight: at % 600 == 30 ? 3 : 1)
      }
      try put(samples, in: &keeper)
      try tidy(&keeper, at: moment(days * Self.day))
      let rows = try await reader(keeper).samples(SampleQuery(limit: 1_000_000))
      let spans = Dictionary(grouping: rows, by: \.spanSeconds).mapValues(\.count)
      #expect(spans == [0: 8640, 60: 6 * 1440, 600: 2 * 144])
      #expect(rows.map(\.samples).reduce(0, +) == samples.count, "each sample stands behind one row")
      #expect(rows.map(\.at) == rows.map(\.at).sorted())
      let minutes = rows.filter { $0.spanSeconds == 60 }
      let minute = try #require(minutes.first)
      #expect(minute.samples == 6 && minute.memoryMeanBytes == 1025 && minute.memoryMaxBytes == 1050)
      let coarse = try #require(rows.first)
      #expect(coarse.samples == 60 && coarse.requestsInFlightMax == 3 && coarse.requestsTotal == 59)
      #expect(coarse.requestsInFlightMean == 3, "no more than that is kept")
      let steps = try await reader(keeper).samples(SampleQuery(step: 600, limit: 1_000_000))
      #expect(steps.last?.requestsInFlightMean == 62.0 / 60, "of the samples themselves")
    }
  }

  /// However often it is looked after, and when samples come late.
  @Test func aLateSampleIsAddedToItsMinute() async throws {
    try await withKeeper { keeper, _ async throws in
      try put((0..<3).map { sample(.masters(0, 1), at: $0 * 10, memory: 100, requests: $0) }, in: &keeper)
      try tidy(&keeper, at: moment(2 * Self.day))
      try put([sample(.masters(0, 1), at: 50, memory: 500, requests: 9)], in: &keeper)
      try tidy(&keeper, at: moment(2 * Self.day))
      try tidy(&keeper, at: moment(2 * Self.day))
      let rows = try await reader(keeper).samples(SampleQuery(limit: 10))
      #expect(rows.map(\.samples) == [4])
      #expect(rows.map(\.memoryMeanBytes) == [200])
      #expect(rows.map(\.memoryMaxBytes) == [500])
      #expect(rows.map(\.requestsTotal) == [9])
    }
  }

  @Test func samplesAreAskedForBySlotGenerationTimeAndStep() async throws {
    try await withKeeper { keeper, _ async throws in
      let workers: [WorkerID] = [.masters(0, 1), .masters(0, 2), .masters(1, 1), .masters(0, 1, in: .others)]
      for (index, worker) in workers.enumerated() {
        try put(
          (0..<60).map { sample(worker, at: $0 * 10, memory: 1000 * (index + 1) + $0, pid: Int32(100 + index)) },
          in: &keeper)
      }
      let reader = try reader(keeper)
      func ask(_ filter: EventFilter, step: Int? = nil, limit: Int = 1000) async throws -> [SampleRow] {
        try await reader.samples(SampleQuery(filter, step: step, limit: limit))
      }
      let slot = ControlCommand.Target.slot(SlotID(pool: .masters, index: 0))
      #expect(try await ask(EventFilter(target: slot)).count == 120)
      #expect(try await ask(EventFilter(target: .pool(.masters))).count == 180)
      let second = try await ask(
        EventFilter(target: slot, generation: 2, since: Moments.text(moment(100)), until: Moments.text(moment(200))))
      #expect(second.map(\.memoryMeanBytes) == Array(2010..<2020))
      #expect(Set(second.map(\.generation)) == [2])
      #expect(Set(second.map(\.pid)) == [101])
      let steps = try await ask(EventFilter(target: slot, generation: 1), step: 300)
      #expect(steps.map(\.samples) == [30, 30])
      #expect(steps.map(\.memoryMaxBytes) == [1029, 1059])
      #expect(
        try await ask(EventFilter(target: slot, generation: 1), limit: 2).map(\.memoryMeanBytes) == [1058, 1059])
      let first = try await ask(
        EventFilter(target: slot, generation: 1, since: Moments.text(moment(0))), limit: 2)
      #expect(first.map(\.memoryMeanBytes) == [1000, 1001])
    }
  }

  /// A supervisor that adopts nobody counts generations anew: its first workers are others than those before.
  @Test func workersOfTheSameNameAreToldApart() async throws {
    try await withKeeper { keeper, folder async throws in
      var later = sample(.masters(0, 1), at: 5000, pid: 100)
      later.bornAt = start + 4990
      try put(
        [sample(.masters(0, 1), at: 10, pid: 100)], and: [event(1, at: 900, .exit, .masters(0, 1), exit: .sample())],
        in: &keeper)
      try put([later], in: &keeper)
      #expect(try query(folder, "SELECT count(*) FROM worker") == 2)
      #expect(try query(folder, "SELECT count(*) FROM worker WHERE ended_at IS NOT NULL") == 1)
      // The same one, seen by the next supervisor through a clock that was set.
      keeper.close()
      later.bornAt += 20
      later.at += 100
      try put([later], in: &keeper)
      #expect(try query(folder, "SELECT count(*) FROM worker") == 2)
    }
  }

  @Test func whatIsOlderThanItIsKeptGoes() async throws {
    try await withKeeper(LedgerPolicy(keep: .seconds(10 * 86400))) { keeper, folder async throws in
      for day in 0..<20 {
        let worker = WorkerID.masters(0, day + 1)
        let at = day * Self.day
        var reading = sample(worker, at: at + 10, pid: Int32(day + 1))
        reading.bornAt = start + at
        try put(
          [reading],
          and: [event(day + 1, at: at + 900, .exit, worker, exit: .sample(pid: Int32(day + 1)))], in: &keeper)
      }
      try tidy(&keeper, at: moment(20 * Self.day))
      #expect(try await reader(keeper).events(limit: 100).map(\.id) == Array(11...20))
      #expect(try query(folder, "SELECT count(*) FROM exit") == 10)
      #expect(try query(folder, "SELECT count(*) FROM sample") == 10)
      #expect(try query(folder, "SELECT count(*) FROM worker") == 10)
    }
  }

  /// Written to for long, it stays within its size; what is newest is there, and events reach back further.
  @Test func theFileStaysWithinItsSize() async throws {
    let limit = ByteCount.mebibytes(4)
    try await withKeeper(LedgerPolicy(maxSize: limit)) { keeper, folder async throws in
      var largest = 0
      for round in 0..<120 {
        let at = round * 600
        let samples = (0..<16).flatMap { slot in
          (0..<60).map { sample(.masters(slot, 1), at: at + $0 * 10, memory: 1 << 30, requests: 1 << 20) }
        }
        let events = (0..<20).map { event(round * 20 + $0 + 1, at: at, .exit, .masters(3, 1), exit: .sample()) }
        try put(samples, and: events, in: &keeper)
        _ = try keeper.tidy(at: moment(at + 600))
        let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/history.sqlite")[.size] as? Int
        largest = max(largest, size ?? .max)
      }
      #expect(largest <= limit.bytes)
      #expect(largest > limit.bytes / 2, "it is not thrown away for nothing: \(largest)")
      let reader = try reader(keeper)
      let newest = try await reader.samples(SampleQuery(limit: 1))
      #expect(newest.map(\.at) == [Moments.text(moment(120 * 600 - 10))])
      let oldestSample: Int? = try query(folder, "SELECT min(at) FROM sample")
      let oldestEvent: String? = try query(folder, "SELECT min(at) FROM event")
      let firstEvent = try #require(oldestEvent.flatMap(Moments.seconds))
      let firstSample = try #require(oldestSample)
      #expect(firstEvent < firstSample)
      #expect(firstSample > start)
      #expect(try query(folder, "PRAGMA integrity_check") == "ok")
    }
  }

  @Test func aSmallerSizeIsReachedToo() async throws {
    try await withKeeper(LedgerPolicy(maxSize: .mebibytes(64))) { keeper, folder async throws in
      for round in 0..<40 {
        try put(
          (0..<1000).map { sample(.masters($0 % 10, 1), at: (round * 1000 + $0) * 10, memory: 1 << 30) }, in: &keeper)
      }
      try keeper.obey(LedgerPolicy(maxSize: .mebibytes(1)))
      // All of one day: nothing is coarsened before it is thrown away.
      try tidy(&keeper, at: moment(1000))
      try tidy(&keeper, at: moment(1000))
      _ = try await keeper.pool?.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      let size = try FileManager.default.attributesOfItem(atPath: "\(folder)/history.sqlite")[.size] as? Int
      #expect(size ?? .max <= 1 << 20)
      #expect(try query(folder, "SELECT count(*) > 1000 FROM sample") == true)
    }
  }
}
