import Pool
import Testing

@Suite struct HostLookTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout HostLook) -> Void
    var found: [String]
  }

  static let cases = [
    Case(testDescription: "nothing", change: { _ in }, found: []),
    Case(
      testDescription: "no proxy", change: { $0.hasProxy = false },
      found: ["critical proxy_down proxy: no proxy is running: agents get no answer"]),
    Case(
      testDescription: "at the start",
      change: { look in
        look.isStarting = true
        look.hasProxy = false
        look.pools[0].ready = 0
      }, found: []),
    Case(
      testDescription: "no worker", change: { $0.pools[0].ready = 0 },
      found: ["critical no_worker a: a: none of 4 workers is ready"]),
    Case(
      testDescription: "no worker is wanted",
      change: { look in
        look.pools[0].size = 0
        look.pools[0].ready = 0
      }, found: []),
    Case(
      testDescription: "too few", change: { $0.pools[0].ready = 1 },
      found: ["critical below_min_ready a: a: 1 of 4 ready, below min_ready 2"]),
    Case(
      testDescription: "back-off", change: { $0.pools[0].fail(1, "exit 3") },
      found: ["warning back_off a/0: a/0 does not come up, tried once: exit 3"]),
    Case(
      testDescription: "crash loop", change: { $0.pools[0].fail(5, nil) },
      found: ["critical crash_loop a/0: a/0 does not come up, tried 5 times in a row"]),
    Case(
      testDescription: "budget",
      change: { look in
        look.pools[0].budget = .mebibytes(100)
        look.pools[0].memory = .mebibytes(101)
      }, found: ["warning memory_budget a: a: 101MiB in use, over its budget of 100MiB"]),
    Case(
      testDescription: "queue",
      change: { look in
        look.pools[0].queueLimit = 10
        look.pools[0].queueLength = 6
      }, found: ["warning queue a: a: 6 requests wait, more than half of queue.limit 10"]),
    Case(
      testDescription: "quarantine", change: { $0.pools[0].quarantined = (1...7).map { "web\($0)" } },
      found: ["warning quarantine a: a: quarantined web1, web2, web3, web4, web5 and 2 more"]),
    Case(
      testDescription: "nodes", change: { $0.nodes = .init(overdue: 2, total: 9, after: .seconds(7200)) },
      found: ["warning nodes_overdue nodes: 2 of 9 nodes silent for more than 2h"]),
    Case(
      testDescription: "history", change: { $0.historyTrouble = "disk full" },
      found: ["warning history history: the history is not written: disk full"]),
    Case(testDescription: "a certificate has time", change: { $0.expiries = [expiry(.certificate, 14)] }, found: []),
    Case(
      testDescription: "it has not", change: { $0.expiries = [expiry(.certificate, 13)] },
      found: ["warning certificate_expiry x.pem: x.pem of 0.0.0.0:8140 expires in 13d"]),
    Case(
      testDescription: "it is over", change: { $0.expiries = [expiry(.clientCA, -1)] },
      found: ["critical certificate_expiry x.pem: x.pem of 0.0.0.0:8140 has expired"]),
    Case(
      testDescription: "a revocation list", change: { $0.expiries = [expiry(.clientCRL, 2), expiry(.clientCRL, 3)] },
      found: ["critical certificate_expiry x.pem: x.pem of 0.0.0.0:8140 is to be replaced in 2d"]),
    Case(
      testDescription: "a time that cannot be",
      change: { look in
        look.epoch = -2
        look.expiries = [Expiry(listener: "", kind: .certificate, file: "", at: .max)]
      }, found: []),
  ]

  @Test(arguments: cases) func whatIsWrongIsFound(_ example: Case) throws {
    var look = HostLook()
    let name = try #require(PoolName(rawValue: "a"))
    look.pools = [HostLook.Pool(name: name, size: 4, ready: 4, minReady: 2)]
    look.epoch = 1_000_000
    example.change(&look)
    let found = look.conditions(NoticePolicy()).map { notice in
      "\(notice.severity.rawValue) \(notice.kind.rawValue) \(notice.subject): \(notice.summary)"
    }
    #expect(found == example.found)
  }

  @Test func everyKindOfConditionIsLasting() {
    let lasting = NoticeKind.allCases.filter(\.isLasting).count
    let choices = NoticeKind.choices.count
    #expect(lasting == 11)
    #expect(choices == NoticeKind.allCases.count - 1)
  }

  private static func expiry(_ kind: Expiry.Kind, _ days: Int) -> Expiry {
    Expiry(listener: "0.0.0.0:8140", kind: kind, file: "x.pem", at: 1_000_000 + days * 86400)
  }
}

extension HostLook.Pool {
  fileprivate mutating func fail(_ failures: Int, _ why: String?) {
    failing.append(HostLook.FailingSlot(slot: SlotID(pool: name, index: 0), failures: failures, why: why))
  }
}
