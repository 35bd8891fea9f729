import ArgumentParser
import Control
import Glibc
import Pool

struct StopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "End masterpool gracefully: requests finish, then proxy and workers end.",
    discussion: """
        masterpool stop --wait

      A second `stop` hurries. Exit status: 0 done, 1 refused or failed, 64 usage, 69 no supervisor there.
      """)

  @OptionGroup var options: ControlOptions

  @Flag(help: "Wait until it has ended.")
  var wait = false

  /// Between two looks at the supervisor.
  private static let pause: Duration = .milliseconds(250)
  /// From the end of the control socket to that of the process.
  private static let maxPausesForProcess = 40

  func run() async throws {
    try await options.ask { client in
      let pid = try await client.status().pid
      Terminal.say(try await client.perform(.stop).message)
      guard wait else { return }
      try await waitForSilence(client)
      try await waitForEnd(of: pid)
      Terminal.say("masterpool has ended")
    }
  }

  private func waitForSilence(_ client: ControlClient) async throws {
    var lastLeft: Int?
    while true {
      do {
        let left = try await client.status().pools.flatMap(\.workers).count { $0.pid != nil }
        if left != lastLeft { Terminal.say("\(left) worker\(left == 1 ? "" : "s") left") }
        lastLeft = left
      } catch {
        switch error {
        case .nobodyThere: return
        // The socket may close between our request and its answer.
        case .failed where access(client.socketPath, F_OK) != 0: return
        case .failed, .refused: throw error
        }
      }
      try await Task.sleep(for: Self.pause)
    }
  }

  /// So that what is started next finds the ports free. A pid of another namespace, or one that its parent has not
  /// reaped, is not waited for beyond a limit.
  private func waitForEnd(of pid: Int32) async throws {
    for _ in 0..<Self.maxPausesForProcess where kill(pid, 0) == 0 { try await Task.sleep(for: Self.pause) }
  }
}
