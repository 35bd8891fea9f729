import CLinux
import Glibc
import Synchronization

/// Orphaned descendants of this process become its children, wherever they went.
func becomeSubreaper() { _ = clinux_become_subreaper() }

extension ChildProcess {
  /// Those started or adopted here and not reaped yet. Starting and reaping exclude each other, so that a child is never taken
  /// for a stray between its fork and its entry.
  static let known = Mutex<Set<Int32>>([])

  /// Reaps a leader that has ended, and what of its group is dead already. One that is no child of ours was never known
  /// and is not reaped: the number may be a new child's by now.
  static func forget(_ pid: Int32) {
    known.withLock { known in
      guard known.contains(pid) else { return }
      while clinux_reap(pid, true) > 0 {}
      // It may have moved to another group.
      _ = clinux_reap(pid, false)
      known.remove(pid)
    }
  }

  /// Orphans that became ours, in the group of a leader that is gone.
  static func reapGroup(_ group: Int32) {
    known.withLock { known in
      // The number may be a new child's by now, whose end is its own handle's to see.
      guard !known.contains(group) else { return }
      while clinux_reap(group, true) > 0 {}
    }
  }

  /// Kills and reaps our children that nobody here started: a worker's descendants that left its process group and
  /// outlived their parents. Orphans in the group of a living worker are that worker's affair and stay.
  ///
  /// Never waits: a stray that takes a moment to die, or had children of its own, is met again by the next call.
  /// - Parameters:
  ///   - except: further children that are not to be touched.
  ///   - setting: `NAME=value`; only those with this in their environment are killed: one dead worker's.
  /// - Returns: those that were killed now.
  @discardableResult
  static func reapStrays(except: Set<Int32> = [], marked setting: String? = nil) -> [Int32] {
    known.withLock { known in
      let spared = known.union(except)
      var killed: [Int32] = []
      for entry in ProcessTable.children() where !spared.contains(entry.pid) {
        // Ours and not reaped, so its number is still its own.
        if !entry.isZombie {
          if spared.contains(entry.group) { continue }
          if let setting, !ProcessTable.hasEnvironment(setting, entry.pid) { continue }
          kill(entry.pid, SIGKILL)
          killed.append(entry.pid)
        }
        _ = clinux_reap(entry.pid, false)
      }
      return killed
    }
  }
}
