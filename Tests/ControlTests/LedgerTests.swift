import Foundation
import Pool
import TestSupport
import Testing

@testable import Control

/// The ledger's questions, as they come over the wire and as they are answered to a person.
@Suite struct LedgerTests {
  static let document = HistoryDocument(
    exits: [
      Event(
        id: 7, at: "2026-11-23T10:00:00.000Z", kind: .exit, message: "ended",
        worker: WorkerID(slot: SlotID(pool: .masters, index: 3), generation: Generation(rawValue: 17)),
        exit: ExitRow(
          reason: .memory, measured: "memory 612MiB", limit: "600MiB", status: "exit 0", pid: 100,
          memoryAtBirthBytes: 90 << 20, memoryAtDeathBytes: 612 << 20, ageSeconds: 724, requestsServed: 340,
          requestsLost: 1, drainSeconds: 2.5, wipedEntries: 12, wipedBytes: 2048))
    ],
    summary: .init(byReason: [
      .init(
        reason: .memory, exits: 2, meanAgeSeconds: 700, requestsServed: 680, requestsLost: 1,
        memoryMaxBytes: 612 << 20,
        wipedEntries: 24, wipedBytes: 4096),
      .init(
        reason: .crash, exits: 1, meanAgeSeconds: 1.5, requestsServed: 3, requestsLost: 0, memoryMaxBytes: nil,
        wipedEntries: 0, wipedBytes: 0),
    ]))

  @Test func aFilterArrivesAsItWasSent() async throws {
    try await withServer { served async throws in
      served.supervisor.state.withLock { $0.history = Self.document }
      let filters = [
        EventFilter(),
        EventFilter(
          reasons: [.memory, .memoryLimit], target: .slot(SlotID(pool: .masters, index: 3)), generation: 17,
          since: "2026-11-23T10:00:00.000Z", until: "2026-11-24T10:00:00.000Z"),
        EventFilter(target: .pool(.masters)),
      ]
      for filter in filters {
        #expect(try await served.client.history(filter, limit: 5) == Self.document)
        #expect(served.supervisor.state.withLock(\.asked) == filter)
        #expect(
          try await served.client.samples(SampleQuery(EventFilter(target: filter.target), step: 60, limit: 5)).isEmpty
        )
        #expect(served.supervisor.state.withLock(\.asked) == EventFilter(target: filter.target))
      }
    }
  }

  @Test func aLedgerThatCannotBeReadIsAnAnswerToo() async throws {
    try await withServer { served async throws in
      let response = try await request("GET", "/v1/history", at: .unix(served.socket))
      #expect(response.status == 503)
      #expect(response.text.contains("the history cannot be read: it is damaged"))
      await #expect(throws: ControlFailure.self) { try await served.client.history(EventFilter(), limit: 1) }
    }
  }

  @Test func theReadOnlyAddressAnswersToo() async throws {
    try await withServer { served async throws in
      served.supervisor.state.withLock { $0.history = Self.document }
      let response = try await request("GET", "/v1/history?pool=masters&since=24h", at: served.address)
      #expect(response.status == 200)
      #expect(try JSONDecoder().decode(HistoryDocument.self, from: Data(response.body)) == Self.document)
    }
  }

  @Test func filteredEventsComeInPagesAndStreams() async throws {
    try await withServer { served async throws in
      appendInTurn(1...6, to: served.supervisor)
      let proxies = EventFilter(kinds: [.proxy])
      #expect(try await served.client.events(proxies, limit: 2).map(\.id) == [4, 6])
      #expect(try await served.client.events(proxies, after: 0, limit: 2).map(\.id) == [2, 4])
      var seen: [Int] = []
      let client = served.client
      struct Enough: Error {}
      do {
        try await client.follow(proxies, after: 2, limit: 100) { event in
          seen.append(event.id)
          if seen.count == 2 { appendInTurn(7...10, to: served.supervisor) }
          if seen.count == 4 { throw Enough() }
        }
      } catch is Enough {}
      #expect(seen == [4, 6, 8, 10])
    }
  }

  private func appendInTurn(_ numbers: ClosedRange<Int>, to supervisor: FakeSupervisor) {
    for number in numbers { supervisor.append("\(number)", number % 2 == 0 ? .proxy : .wipe) }
  }

  @Test(
    arguments: [
      ("24h", "2026-11-22T10:00:00.000Z"), ("1h30m", "2026-11-23T08:30:00.000Z"), ("7d", "2026-11-16T10:00:00.000Z"),
      ("0s", "2026-11-23T10:00:00.000Z"), ("2026-11-01", "2026-11-01T00:00:00.000Z"),
      ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000Z"), ("2026-11-01T12:00:00.250Z", "2026-11-01T12:00:00.250Z"),
      ("2026-11-01T12:00:00+02:00", "2026-11-01T10:00:00.000Z"),
      ("", nil), ("24", nil), ("h", nil), ("yesterday", nil), ("-1h", nil), ("99999999999h", nil),
      ("999999999w", nil),
      ("2026-13-01", nil),
    ] as [(String, String?)])
  func timesAreReadAsPeopleWriteThem(text: String, moment: String?) throws {
    let now = try #require(Stamp.date("2026-11-23T10:00:00Z"))
    #expect(Moment.read(text, now: now) == moment)
  }

  @Test func aPersonReadsATable() {
    let lines = HistoryText.render(Self.document, palette: .plain).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines == [
        "ENDED                     WORKER        REASON  MEASURED                   AGE  SERVED  LOST  MEMORY      "
          + "     DRAINED      WIPED  STATUS",
        "2026-11-23T10:00:00.000Z  masters/3#17  memory  memory 612MiB of 600MiB  12m4s     340     1  90MiB to "
          + "612MiB     2.5s  12 (2KiB)  exit 0",
        "  and 2 before these; see --limit and --since",
        "",
        "3 exits, 7m47s old on the average; 683 requests served, 1 lost; 24 entries (4KiB) wiped",
        "  REASON  EXITS  MEAN AGE  SERVED  LOST  MOST MEMORY",
        "  memory      2    11m40s     680     1       612MiB",
        "  crash       1      1.5s       3     0            -",
        "",
      ])
    let none = HistoryDocument(exits: [], summary: .init(byReason: []))
    #expect(HistoryText.render(none, palette: .plain) == "no worker ended\n")
    #expect(HistoryText.render([SampleRow](), palette: .plain) == "no samples\n")
  }

  @Test func aLedgerInTroubleShowsInStatusAndMetrics() {
    var status = StatusDocument.sample
    status.history = .init(trouble: nil, lostTotal: 0)
    #expect(MetricsText.render(status, .sample, isReady: true).contains("masterpool_history_up 1\n"))
    #expect(!StatusText.render(status, now: .distantPast, palette: .plain).contains("history:"))
    status.history = .init(trouble: "disk full", lostTotal: 7)
    let metrics = MetricsText.render(status, .sample, isReady: true)
    #expect(metrics.contains("masterpool_history_up 0\n"))
    #expect(metrics.contains("masterpool_history_lost_total 7\n"))
    #expect(
      StatusText.render(status, now: .distantPast, palette: .plain).contains("\nhistory: not written: disk full\n"))
  }

  @Test func aPersonReadsSamplesToo() {
    let row = SampleRow(
      at: "2026-11-23T10:00:00.000Z", spanSeconds: 60, pool: .masters, slot: 3, generation: 17, pid: 100, samples: 6,
      memoryMeanBytes: 90 << 20, memoryMaxBytes: 91 << 20, requestsTotal: 12, requestsLost: 0, requestsInFlightMax: 1)
    #expect(
      HistoryText.render([row], palette: .plain) == """
        AT                        WORKER        OVER  MEMORY   MOST  SERVED  NOW
        2026-11-23T10:00:00.000Z  masters/3#17    1m   90MiB  91MiB      12    1

        """)
  }
}
