import Foundation
import Pool
import Testing

@testable import Control

/// Who is told, as status, problems and metrics say it.
@Suite struct NotifyTests {
  private static var status: StatusDocument {
    var status = StatusDocument.sample
    status.notify = .init(
      firing: 2,
      receivers: [
        .init(name: "ops", waiting: 3, deliveredTotal: 5, failedTotal: 1, droppedTotal: 0, trouble: "HTTP 403"),
        .init(name: "mail", waiting: 0, deliveredTotal: 7, failedTotal: 0, droppedTotal: 0, trouble: nil),
      ])
    return status
  }

  @Test func aReceiverThatTakesNothingIsAProblem() {
    let problems = StatusProblem.all(in: Self.status)
    #expect(problems.last == "ops does not take notifications: HTTP 403; try it: masterpool notify test ops")
    let others = problems.filter { $0.contains("mail") }
    #expect(others == [])
  }

  @Test func theMetricsCountMessages() {
    let metrics = MetricsText.render(Self.status, .sample, isReady: true)
    for sample in [
      "masterpool_alerts_firing 2", #"masterpool_notifications_total{outcome="delivered",receiver="ops"} 5"#,
      #"masterpool_notifications_total{outcome="failed",receiver="ops"} 1"#,
      #"masterpool_notifications_total{outcome="dropped",receiver="mail"} 0"#,
      #"masterpool_notifications_waiting{receiver="ops"} 3"#,
    ] {
      #expect(metrics.contains("\n\(sample)\n"), "\(sample)")
    }
    #expect(!MetricsText.render(.sample, .sample, isReady: true).contains("notifications"))
  }

  @Test func theStatusIsReadAsItIsWritten() throws {
    let read = try JSONDecoder().decode(StatusDocument.self, from: JSONEncoder().encode(Self.status))
    #expect(read == Self.status)
  }
}
