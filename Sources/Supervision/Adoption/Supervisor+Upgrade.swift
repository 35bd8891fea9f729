import CLinux
import Glibc
import Pool

/// Another program in our place: the supervisor first, under the same pid, which takes over what runs as if we had been
/// killed; then it starts proxies of its own, and the old ones finish what they have.
extension Supervisor {
  /// Its check of the settings.
  static let checkPatience = Duration.seconds(30)
  /// For the answer to reach who asked.
  static let farewell = Duration.milliseconds(200)
  /// Of what a failed check says.
  private static let maxComplaints = 20

  func upgrade() async -> ControlReply {
    guard let successor else { return .refused(message: "this supervisor cannot be upgraded; restart masterpool") }
    guard case .running = phase, !isReloading else {
      return .refused(message: "masterpool is \(isReloading ? "reloading" : "not ready yet"); try again then")
    }
    if let complaint = await complaint(of: successor) {
      return .refused(message: "\(plan.executable) cannot take over, so nothing was changed: \(complaint)")
    }
    guard case .running = phase else { return .refused(message: "masterpool is stopping") }
    log.append(.supervisor, "upgrading: \(plan.executable) takes over")
    Task {
      try? await Task.sleep(for: Self.farewell)
      become(successor)
    }
    return .accepted(message: "\(plan.executable) takes over", workers: [])
  }

  /// Nil: the program starts and can use the settings.
  private func complaint(of successor: SuccessorPlan) async -> String? {
    let child: ChildProcess
    do {
      child = try ChildProcess.spawn(
        LaunchOrder(
          arguments: [plan.executable] + successor.check, environment: ownEnvironment(), workingDirectory: nil))
    } catch {
      return "\(error)"
    }
    let alarm = Task {
      guard (try? await Task.sleep(for: Self.checkPatience)) != nil else { return }
      child.signalGroup(SIGKILL)
    }
    let status = await child.exit()
    alarm.cancel()
    child.killRemains()
    var lines: [String] = []
    for await line in child.output { lines.append(line.text) }
    if status == .exited(0) { return nil }
    return (["its check ended with \(status)"] + lines.prefix(Self.maxComplaints)).joined(separator: "\n")
  }

  /// Returns only where that fails, and then nothing has changed.
  private func become(_ successor: SuccessorPlan) {
    guard case .running = phase, !isReloading else { return log.append(.supervisor, "not upgraded: busy") }
    writeState()
    successor.prepare()
    let arguments = CStrings(successor.arguments)
    _ = plan.executable.withCString { clinux_become($0, arguments.pointer) }
    log.append(.supervisor, "not upgraded: \(plan.executable) cannot be executed: \(reason())")
  }
}
