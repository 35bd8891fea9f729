import ArgumentParser
import TestSupport

/// All at once, each from an address of its own; who is told to come back does so.
struct Herd: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Agents that all come at once, and come back when a 503 tells them to.",
    discussion: "Prints: served failed tries p50_ms p99_ms whole_ms")

  @Option(help: "The server's port on 127.0.0.1.") var port: UInt16
  @Option(help: "What is asked for.") var path = "/"
  @Option(help: "How many agents.") var agents = 1000
  @Option(help: "Give up after so many seconds.") var patience = 120

  func validate() throws {
    guard (1...10000).contains(agents) else { throw ValidationError("--agents is 1…10000") }
  }

  func run() {
    let headers = [("X-Puppet-Version", "8.10.0"), ("Connection", "close")]
    var crowd = Crowd(agents, at: .port(port), request: requestBytes("GET", path, headers: headers))
    let outcomes = crowd.run(before: .after(.seconds(patience)))
    let served = outcomes.filter { $0.status == 200 }
    let waits = served.map { $0.ended - $0.began }.sorted()
    func quantile(_ percent: Int) -> Int64 {
      waits.isEmpty ? 0 : waits[(waits.count - 1) * percent / 100] / 1_000_000
    }
    let tries = outcomes.reduce(0) { $0 + $1.tries }
    print(served.count, outcomes.count - served.count, tries, quantile(50), quantile(99), quantile(100))
  }
}
