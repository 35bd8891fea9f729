import Pool

/// What happens, and what is told of it: times are seconds.
enum NoticeTable {
  typealias Case = NoticeBookTests.Case

  /// group_wait 10s, group_interval 5m, repeat_interval 4h, by pool.
  static let plain = policy([hook("ops")])
  private static let slots = (0..<3).map { notice(.backOff, "a/\($0)") }

  static let grouping = [
    Case(
      testDescription: "what comes within group_wait",
      happenings: [(0, .holds([slots[0]])), (3, .holds(Array(slots[...1]))), (9, .holds(slots))],
      told: ["10 ops: firing back_off a/0, firing back_off a/1, firing back_off a/2"]),
    Case(
      testDescription: "what comes later waits for group_interval, with what still holds",
      happenings: [(0, .holds([slots[0]])), (20, .holds(Array(slots[...1])))], until: 400,
      told: ["10 ops: firing back_off a/0", "310 ops: firing back_off a/0, firing back_off a/1"]),
    Case(
      testDescription: "what is worse does not wait",
      happenings: [(0, .holds([slots[0]])), (20, .holds([slots[0], notice(.noWorker, "a")]))],
      told: ["10 ops: firing back_off a/0", "30 ops: firing no_worker a, firing back_off a/0"]),
    Case(
      testDescription: "another pool has messages of its own",
      happenings: [(0, .holds([slots[0]])), (5, .holds([slots[0], notice(.backOff, "b/0")]))],
      told: ["10 ops: firing back_off a/0", "15 ops: firing back_off b/0"]),
    Case(
      testDescription: "unless all are one group", policy: policy([hook("ops")]) { $0.groupBy = [] },
      happenings: [(0, .holds([slots[0]])), (5, .holds([slots[0], notice(.backOff, "b/0")]))],
      told: ["10 ops: firing back_off a/0, firing back_off b/0"]),
    Case(
      testDescription: "by kind", policy: policy([hook("ops")]) { $0.groupBy = [.kind] },
      happenings: [
        (0, .holds([slots[0], notice(.backOff, "b/0"), notice(.queue, "a")])), (1, .holds([])),
        (2, .holds([notice(.queue, "a")])),
      ],
      told: ["10 ops: firing queue a, 1 more"]),
    Case(
      testDescription: "occurrences too",
      happenings: [(0, .occurs(notice(.stuck, "a/0"))), (1, .occurs(notice(.stuck, "a/1")))],
      told: ["10 ops: occurred stuck a/0, occurred stuck a/1"]),
    Case(
      testDescription: "a crash loop takes the place of the back-off, and its beginning",
      policy: policy([hook("ops")]) { $0.lasting = .seconds(30) },
      happenings: [(0, .holds([slots[0]])), (25, .holds([notice(.crashLoop, "a/0")]))],
      told: ["40 ops: firing crash_loop a/0"]),
    Case(
      testDescription: "where there is no worker, that there are too few goes without saying",
      happenings: [
        (0, .holds([notice(.belowMinReady, "a")])),
        (12, .holds([notice(.noWorker, "a"), notice(.belowMinReady, "a")])),
      ], until: 320,
      told: ["10 ops: firing below_min_ready a", "310 ops: firing no_worker a"]),
  ]

  static let endings = [
    Case(
      testDescription: "it must last", policy: policy([hook("ops")]) { $0.lasting = .seconds(30) },
      happenings: [(0, .holds(slots)), (29, .holds([])), (40, .holds([slots[0]]))],
      told: ["80 ops: firing back_off a/0"]),
    Case(
      testDescription: "its end waits for group_interval",
      happenings: [(0, .holds([slots[0]])), (20, .holds([]))], until: 1000,
      told: ["10 ops: firing back_off a/0", "310 ops: resolved back_off a/0"]),
    Case(
      testDescription: "a late end waits for group_wait",
      happenings: [(0, .holds([slots[0]])), (500, .holds([]))], until: 1000,
      told: ["10 ops: firing back_off a/0", "510 ops: resolved back_off a/0"]),
    Case(
      testDescription: "ends are not wanted", policy: policy([hook("ops")]) { $0.resolved = false },
      happenings: [(0, .holds([slots[0]])), (20, .holds([]))], until: 1000, told: ["10 ops: firing back_off a/0"]),
    Case(
      testDescription: "what came and went before there was a message is no message",
      happenings: [(0, .holds([slots[0]])), (5, .holds([]))], until: 1000, told: []),
    Case(
      testDescription: "but is counted in the next",
      happenings: [(0, .holds([slots[0]])), (5, .holds([slots[1]]))], told: ["10 ops: firing back_off a/1, 1 more"]),
    Case(
      testDescription: "again and again while it lasts",
      policy: policy([hook("ops")]) { $0.repeatInterval = .seconds(600) },
      happenings: [(0, .holds([slots[0]])), (1300, .holds([]))], until: 3000,
      told: [
        "10 ops: firing back_off a/0", "610 ops: firing back_off a/0", "1210 ops: firing back_off a/0",
        "1510 ops: resolved back_off a/0",
      ]),
    Case(
      testDescription: "some ends and something begins",
      happenings: [(0, .holds([slots[0]])), (400, .holds([slots[1]]))], until: 1000,
      told: ["10 ops: firing back_off a/0", "410 ops: firing back_off a/1, resolved back_off a/0"]),
  ]

  static let limits = [
    Case(
      testDescription: "an hour has room for so many; what is over by then is counted",
      policy: policy([hook("ops")]) {
        $0.maxMessagesPerHour = 2
        $0.groupBy = [.pool, .kind]
        $0.resolved = false
      },
      happenings: [
        (0, .holds([notice(.backOff, "a/0"), notice(.queue, "a")])),
        (20, .holds([notice(.memoryBudget, "a")])), (100, .holds([])),
        (3700, .holds([notice(.memoryBudget, "a")])),
      ], until: 4000,
      told: [
        "10 ops: firing queue a", "10 ops: firing back_off a/0", "3710 ops: firing memory_budget a, 1 more",
      ]),
    Case(
      testDescription: "what still holds is told when the hour has room again",
      policy: policy([hook("ops")]) {
        $0.maxMessagesPerHour = 1
        $0.groupInterval = .seconds(20)
      },
      happenings: [(0, .holds([slots[0]])), (50, .holds(Array(slots[...1]))), (90, .holds(Array(slots[1...])))],
      until: 4000,
      told: [
        "10 ops: firing back_off a/0",
        "3610 ops: firing back_off a/1, firing back_off a/2, resolved back_off a/0",
      ]),
    Case(
      testDescription: "a message lists so many",
      policy: policy([hook("ops")]) { $0.maxListed = 2 },
      happenings: [(0, .holds(slots)), (1, .occurs(notice(.stuck, "a/7")))],
      told: ["10 ops: firing back_off a/0, firing back_off a/1, 2 more"]),
    Case(
      testDescription: "so many are kept in mind, the worst first",
      policy: policy([hook("ops")]) { $0.maxAlerts = 2 },
      happenings: [(0, .holds(slots + [notice(.noWorker, "a")]))],
      told: ["10 ops: firing no_worker a, firing back_off a/0, 2 more"]),
  ]

  static let choices = [
    Case(
      testDescription: "by kind, pool and severity",
      policy: policy([
        hook("kinds") { $0.kinds = [.stuck, .history] },
        hook("pools") { $0.pools = Set([PoolName(rawValue: "b")].compactMap { $0 }) },
        hook("severe") { $0.minSeverity = .critical },
      ]),
      happenings: [
        (0, .holds([slots[0], notice(.history, "history"), notice(.noWorker, "a")])),
        (1, .occurs(notice(.stuck, "b/0"))),
      ], until: 12,
      told: [
        "10 kinds: firing history history", "10 pools: firing history history", "10 severe: firing no_worker a",
        "11 kinds: occurred stuck b/0", "11 pools: occurred stuck b/0",
      ])
  ]
}
