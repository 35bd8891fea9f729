import FoundationEssentials
import Glibc
import Pool

/// Processes of a dead supervisor that nobody takes on, known by the run directory in their environment.
enum Remnants {
  /// Names the run directory to every process that we start, and whatever these start.
  static let variable = "MASTERPOOL_RUN"
  /// How long they get to end by themselves.
  static let patience = Duration.seconds(10)

  struct Remnant {
    var process: ProcessTable.Entry
    /// As its environment says; nil: a proxy, or what has no name.
    var worker: String?

    var isAlive: Bool { ProcessTable.isAlive(process.pid, startedAt: process.startTime) }
  }

  /// - Parameters:
  ///   - groups: process groups that were taken on.
  ///   - workers: and their names, for those of their descendants that left the group.
  static func find(in runDirectory: String, sparing groups: Set<Int32>, _ workers: Set<String>) -> [Remnant] {
    let own = getpid()
    return ProcessTable.pids().compactMap { pid in
      guard pid != own, let variables = ProcessTable.environment(of: pid), variables[variable] == runDirectory,
        let entry = ProcessTable.entry(of: pid), !entry.isZombie, !groups.contains(entry.group)
      else { return nil }
      let worker = variables[LaunchOrder.workerVariable]
      if let worker, workers.contains(worker) { return nil }
      return Remnant(process: entry, worker: worker)
    }
  }

  /// SIGTERM, and SIGKILL for those whom that does not end.
  static func end(_ remnants: [Remnant]) async {
    for remnant in remnants { kill(remnant.process.pid, SIGTERM) }
    let deadline = Clock.now() + patience
    while remnants.contains(where: \.isAlive), Clock.now() < deadline {
      try? await Task.sleep(for: .milliseconds(20))
    }
    for remnant in remnants where remnant.isAlive { kill(remnant.process.pid, SIGKILL) }
  }
}
