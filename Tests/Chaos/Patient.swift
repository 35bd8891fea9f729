import Foundation
import Glibc
import Pool
import TestSupport

/// The masterpool that all is done to: its folders, its settings, and its supervisor of the moment, which is started
/// anew when it was killed, as systemd would.
final class Patient: Sendable {
  struct Life: Sendable {
    var process: Child
    var feed: EventFeed
    var began: Duration
  }

  /// With what it is asked for.
  private static let patience = Duration.seconds(30)
  /// How the client says that no supervisor answers.
  private static let nobodyThere: Int32 = 69

  let directory: String
  let trail: Trail
  let book: Book
  let clear: Address
  let encrypted: Address
  let certificates: Certificates
  /// The state directory is a small file system of its own.
  let hasOwnDisk: Bool
  /// A new supervisor takes on what an old one left.
  let canAdopt: Bool
  /// The ledger is on disk too.
  let keepsLedger: Bool
  let isPreloading: Bool
  let clock: WallClock?
  private let lives = Monitor<[Life]>([])
  private let settings: Monitor<SettingsInForce>
  /// What undoes a fault later, so that it can be waited for.
  private let cures = Monitor(0)
  private let crimes = Monitor<[String]>([])

  var control: String { "\(directory)/run/control.sock" }
  var mark: String { "MASTERPOOL_TEST=\(directory)" }
  var life: Life? { lives.read { $0.last } }
  var allLives: [Life] { lives.read { $0 } }
  /// All events of all supervisors in order. A later one tells again what it finds in the ledger.
  var events: [EventFeed.Arrival] {
    var seen: Set<Int> = []
    return lives.read { $0 }.flatMap(\.feed.allArrivals).filter { seen.insert($0.event.id).inserted }
      .sorted { $0.event.id < $1.event.id }
  }

  init(directory: String, trail: Trail, book: Book, isPreloading: Bool) async throws {
    self.isPreloading = isPreloading
    self.directory = directory
    self.trail = trail
    self.book = book
    for folder in ["state", "journal", "tls", "orders"] { try makeFolder("\(directory)/\(folder)") }
    clock = try WallClock(in: directory)
    certificates = try await Certificates.make(in: "\(directory)/tls", clients: SettingsInForce.nodes)
    hasOwnDisk = await Disk.mount(at: "\(directory)/state")
    let help = try await run(Programs.masterpool, ["--help"]).output
    (canAdopt, keepsLedger) = (help.contains("  upgrade "), help.contains("  history "))
    let (first, second) = (try freePort(), try freePort())
    encrypted = .port(first)
    clear = .port(second)
    settings = Monitor(
      SettingsInForce(
        directory: directory, certificates: certificates, encrypted: first, clear: second,
        isPreloading: isPreloading))
  }

  // MARK: Its supervisor

  func start() async throws {
    try settings.read { $0 }.yaml.write(toFile: "\(directory)/masterpool.yaml")
    let child = try Child(
      Programs.masterpool, ["run", "--config", "\(directory)/masterpool.yaml"],
      environment: ["MASTERPOOL_TEST": directory].merging(clock?.environment ?? [:]) { $1 })
    try await attend(child)
  }

  /// The supervisor went on as another program, under the same pid.
  func followAgain() async throws {
    guard let process = life?.process else { return }
    try await attend(process)
  }

  private func attend(_ child: Child) async throws {
    let began = Stopwatch.now
    let deadline = Deadline.after(Self.patience)
    while await (try? status())?.pid != child.pid {
      guard child.ended == nil, !deadline.passed else {
        throw HarnessFailure("the supervisor does not answer; its log:\n\(child.standardError.suffix(3000))")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    let feed = EventFeed(control: control)
    lives.update { $0.append(Life(process: child, feed: feed, began: began)) }
  }

  /// Waits until every pool has all of its workers ready.
  func recover(within time: Duration) async throws {
    let deadline = Deadline.after(time)
    var last = "no status"
    while !deadline.passed {
      if let status = try? await status() {
        let isWhole = status.pools.allSatisfy { $0.ready >= $0.size } && status.proxy != nil
        if isWhole, status.state == "running" { return }
        last = "\(status.state), \(status.pools.map(Self.inWords).joined(separator: "; "))"
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    let latest = events.suffix(12).map { "\n    \($0.event)" }.joined()
    throw TimedOut("all workers to be ready again: \(last); the latest events:\(latest)")
  }

  private static func inWords(_ pool: StatusDocument.Pool) -> String {
    let workers = pool.workers.map { "\(pool.name)/\($0.slot)#\($0.generation) \($0.state)" }
    return "\(pool.name): \(pool.ready) of \(pool.size) (\(workers.joined(separator: ", ")))"
  }

  func status() async throws -> StatusDocument {
    let response = try await request("GET", "/v1/status", at: .unix(control), within: .seconds(5))
    guard response.status == 200 else { throw HarnessFailure("status: \(response.status) \(response.text)") }
    return try JSONDecoder().decode(StatusDocument.self, from: Data(response.body))
  }

  /// A command that must be carried out, if not at once: a supervisor that has just taken over, or reloads, says so.
  @discardableResult
  func cli(_ arguments: String...) async throws -> String {
    let result = try await ask(arguments, while: Self.isBusy)
    if result.status != .exited(0) {
      accuse("masterpool \(arguments.joined(separator: " ")): \(result.status), \(result.errors)\(result.output)")
    }
    return result.output
  }

  /// Back into traffic, also where the supervisor has just been killed; a slot that was scaled away has nothing to resume.
  func resume(_ slot: String) async {
    func mustWait(_ result: CommandResult) -> Bool {
      result.status == .exited(Self.nobodyThere) || Self.isBusy(result)
    }
    guard let result = try? await ask(["resume", slot], while: mustWait), mustWait(result) else { return }
    accuse("\(slot) could not be resumed")
  }

  /// Again and again while that is so, and while there is patience; the last answer.
  private func ask(_ arguments: [String], while mustWait: (CommandResult) -> Bool) async throws -> CommandResult {
    let deadline = Deadline.after(Self.patience)
    while true {
      let result = try await run(Programs.masterpool, arguments + ["--control", control])
      guard result.status != .exited(0), mustWait(result), !deadline.passed else { return result }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private static func isBusy(_ result: CommandResult) -> Bool {
    ["try again", "not ready yet", "reloading"].contains { result.errors.contains($0) }
  }

  // MARK: Its settings

  /// Changes the settings and reloads them.
  func reload(_ change: @Sendable (inout SettingsInForce) -> Void) async throws {
    let yaml = settings.update { settings in
      change(&settings)
      return settings.yaml
    }
    try replaceSettings(yaml)
    try await cli("reload")
  }

  /// Settings that are not to be taken; those in force are put back.
  func reloadNonsense(_ yaml: String) async throws -> CommandResult {
    try replaceSettings(yaml)
    let result = try await run(Programs.masterpool, ["reload", "--control", control])
    try replaceSettings(settings.read { $0.yaml })
    return result
  }

  private func replaceSettings(_ yaml: String) throws {
    try yaml.write(toFile: "\(directory)/masterpool.yaml.new")
    try move("\(directory)/masterpool.yaml.new", to: "\(directory)/masterpool.yaml")
  }

  // MARK: Processes

  /// Only ever a process that came of this driver.
  func signal(_ pid: pid_t, _ number: CInt) {
    guard (text(ofFile: "/proc/\(pid)/environ") ?? "").contains("\(mark)\0") else { return }
    kill(pid, number)
  }

  /// Undoes something later, while other faults go on.
  func cure(after time: Duration, _ body: @escaping @Sendable () async -> Void) {
    cures.update { $0 += 1 }
    Task {
      try? await Task.sleep(for: time)
      await body()
      cures.update { $0 -= 1 }
    }
  }

  func cured(within time: Duration) async throws {
    _ = try await cures.first("faults to be undone", before: .after(time)) { $0 == 0 ? true : nil }
  }

  // MARK: What it did wrong

  /// A broken promise, told at the end with all others.
  func accuse(_ what: String) { crimes.update { $0.append("\(Stopwatch.now.inWords): \(what)") } }

  var accusations: [String] { crimes.read { $0 } }
}

func makeFolder(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}
