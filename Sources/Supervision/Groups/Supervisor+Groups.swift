import Glibc
import Pool

/// Control groups where the machine gives them, and what the kernel does for want of memory.
extension Supervisor {
  func findControlGroups() {
    controlGroups = ControlGroups.find()
    controlGroups?.removeRemains()
    guard let controlGroups else { return }
    logger.info(
      "workers have control groups in \(controlGroups.folder)\(controlGroups.countsMemory ? "" : ", without memory of their own")"
    )
  }

  /// SIGKILL to all that a worker started, also to what left its process group.
  func killGroup(of id: WorkerID) { pools[id.pool]?.workers[id]?.group?.kill() }

  /// Whatever is left in it ends; it goes once the kernel has let the last of them go.
  func endGroup(of id: WorkerID) {
    guard let group = pools[id.pool]?.workers[id]?.group, !group.remove() else { return }
    group.kill()
    Task {
      for _ in 0..<20 where !group.remove() { try? await Task.sleep(for: .milliseconds(50)) }
    }
  }

  /// A SIGKILL that we have not sent may be the kernel's, for want of memory.
  func cause(of status: ExitStatus, _ id: WorkerID) -> Measurement {
    guard case .signalled(SIGKILL, _) = status else { return status.measurement }
    let now = Clock.now()
    outOfMemory.look(at: now)
    let group = pools[id.pool]?.workers[id]?.group
    let isKnown =
      group.map { $0.countsMemory } == true
      ? (group?.outOfMemoryKills ?? 0) > 0 : outOfMemory.hasKilled(shortlyBefore: now)
    return isKnown ? .outOfMemory : status.measurement
  }
}
