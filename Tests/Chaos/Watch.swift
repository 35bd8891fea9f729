import Foundation
import Glibc
import Pool
import TestSupport

/// Looks at the patient all the time while faults fall: whether enough workers are ready, whether nothing runs twice,
/// and how much memory the supervisor and the proxies take.
final class Watch: Sendable {
  struct Memory: Sendable {
    var role: String
    /// PSS once it has settled, and the latest.
    var first: Int
    var last: Int
    var age: Duration
  }

  /// A pool that lost workers has so long to have enough of them again.
  static let recovery = Duration.seconds(20)
  /// As in the settings.
  private static let surge = 1
  /// A process that was started or ended a moment ago may be missing in the status for so long.
  private static let introduction = Duration.seconds(15)
  private static let pause = Duration.milliseconds(100)
  /// Before it has served for so long, a process's memory says little.
  private static let settling = Duration.seconds(8)

  private let patient: Patient
  private let isOver = Monitor(false)
  private let isDone = Monitor(false)
  private let memory = Monitor<[pid_t: Memory]>([:])
  private let seen = Monitor<[pid_t: Duration]>([:])
  /// Since when a process is there that the status does not tell of.
  private let strangers = Monitor<[pid_t: Duration]>([:])
  /// Each pool's sizes of late: a worker that is not wanted any more may finish what it is at.
  private let sizes = Monitor<[String: [(at: Duration, size: Int)]]>([:])
  private let lowest = Monitor<[String: Int]>([:])

  init(_ patient: Patient) { self.patient = patient }

  var memories: [pid_t: Memory] { memory.read { $0 } }
  /// The fewest ready workers of each pool.
  var fewest: [String: Int] { lowest.read { $0 } }

  func begin() {
    Task {
      var round = 0
      while !isOver.read({ $0 }) {
        // A supervisor that has just been killed has no status.
        if let status = try? await patient.status() {
          judgeReadiness(status)
          if round % 20 == 0 {
            weigh(status)
            let parents = (try? await patient.parents()) ?? []
            await onThreadQuietly { self.findStrangers(status, parents) }
          }
        }
        if round % 5 == 0 { await onThreadQuietly { self.countProcesses() } }
        round += 1
        try? await Task.sleep(for: Self.pause)
      }
      isDone.update { $0 = true }
    }
  }

  func end() async throws {
    isOver.update { $0 = true }
    _ = try await isDone.first("the watch's end", before: .patient) { $0 ? true : nil }
  }

  // MARK: Readiness

  private func judgeReadiness(_ status: StatusDocument) {
    for pool in status.pools {
      let name = pool.name.rawValue
      sizes.update { sizes in
        sizes[name, default: []].append((Stopwatch.now, pool.size))
        sizes[name]?.removeAll { $0.at < Stopwatch.now - Self.recovery }
      }
      lowest.update { $0[name] = min($0[name] ?? pool.ready, pool.ready) }
      guard pool.ready < Share.percent(50).of(pool.size), !isExcused(name) else { continue }
      patient.accuse(
        "\(name) has \(pool.ready) of \(pool.size) workers ready, and no fault within \(Self.recovery.inWords)")
    }
  }

  private func isExcused(_ pool: String) -> Bool {
    let since = Stopwatch.now - Self.recovery
    return patient.trail.blows.contains { blow in
      guard blow.ended >= since else { return false }
      switch blow.target {
      case .pool(let name): return name == pool
      case .supervisor: return true
      case .worker, .stuck, .proxy, .disk: return false
      }
    }
  }

  // MARK: Processes

  /// No generation of a slot has two processes, and no pool more than its size and its surge.
  private func countProcesses() {
    var occupants: [String: [pid_t]] = [:]
    for pid in Processes.marked(patient.mark) where getpgid(pid) == pid {
      guard let name = Self.workerName(pid) else { continue }
      occupants[name, default: []].append(pid)
    }
    for (name, pids) in occupants where pids.count > 1 {
      // One may be on its way out: only those that are still there are two.
      let alive = pids.filter { Processes.isAlive($0) && Self.workerName($0) == name }
      if alive.count > 1 { patient.accuse("\(name) has \(alive.count) processes: \(alive)") }
    }
    let pools = Dictionary(grouping: occupants.keys) { String($0.prefix { $0 != "/" }) }
    for (pool, names) in pools {
      let most = (sizes.read { $0[pool]?.map(\.size).max() } ?? .max - 1) + Self.surge
      guard names.count > most else { continue }
      let alive = names.filter { occupants[$0]?.contains(where: Processes.isAlive) == true }
      if alive.count > most {
        patient.accuse("\(pool) has \(alive.count) workers, more than \(most): \(alive.sorted())")
      }
    }
  }

  /// Nothing runs that nobody knows of.
  private func findStrangers(_ status: StatusDocument, _ parents: [pid_t]) {
    let workers = status.pools.flatMap(\.workers).compactMap(\.pid)
    let proxies = [status.proxy?.pid].compactMap { $0 } + (status.proxy?.draining.map(\.pid) ?? [])
    let known = Set(workers + parents + proxies + [status.pid])
    let unknown = Processes.marked(patient.mark).filter { getpgid($0) == $0 && !known.contains($0) }
    let overdue = strangers.update { strangers -> [pid_t] in
      strangers = Dictionary(uniqueKeysWithValues: unknown.map { ($0, strangers[$0] ?? Stopwatch.now) })
      let overdue = strangers.filter { Stopwatch.now - $0.value > Self.introduction }.map(\.key)
      // Told once.
      for pid in overdue { strangers[pid] = Stopwatch.now + .seconds(86400) }
      return overdue
    }
    for pid in overdue where Processes.isAlive(pid) {
      patient.accuse("\(pid) \(Processes.name(pid)) runs, and the status does not know of it")
    }
  }

  /// A stub names its process as it names itself.
  private static func workerName(_ pid: pid_t) -> String? {
    guard let name = text(ofFile: "/proc/\(pid)/comm")?.dropLast(), name.contains("/"), name.contains("#") else {
      return nil
    }
    return String(name)
  }

  // MARK: Memory

  private func weigh(_ status: StatusDocument) {
    weigh(status.pid, "supervisor")
    if let proxy = status.proxy { weigh(proxy.pid, "proxy") }
  }

  private func weigh(_ pid: pid_t, _ role: String) {
    let now = Stopwatch.now
    let age = seen.update { seen in
      let since = seen[pid] ?? now
      seen[pid] = since
      return now - since
    }
    guard age > Self.settling, let pss = Processes.pss(pid) else { return }
    memory.update { memory in
      let first = memory[pid]?.first ?? pss
      memory[pid] = Memory(role: role, first: first, last: pss, age: age)
    }
  }
}

/// Blocking work whose failure is no matter.
private func onThreadQuietly(_ work: @escaping @Sendable () -> Void) async { try? await onThread(work) }
