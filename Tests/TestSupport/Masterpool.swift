import Foundation
import Pool

/// A running `masterpool run`, started for a test.
public final class Masterpool: Sendable {
  public let directory: String
  public let process: Child
  /// Where agents connect.
  public let address: Address
  private let feed: EventFeed
  private let notify: NotifySocket

  public var controlSocket: String { "\(directory)/run/control.sock" }
  public var settingsFile: String { "\(directory)/masterpool.yaml" }
  public var log: String { process.standardError + process.standardOutput }
  /// What it told sd_notify, in order.
  public var notifications: [String] { notify.lines }
  /// All events so far, in order.
  public var events: [Event] { feed.all }
  public var exits: [Event] { feed.all.filter { $0.kind == .exit } }

  fileprivate init(directory: String, process: Child, notify: NotifySocket, started: Date) async throws {
    self.directory = directory
    self.process = process
    self.notify = notify
    let control = "\(directory)/run/control.sock"
    feed = EventFeed(control: control, since: started)
    let status = try await Self.status(control)
    guard let first = status.listen.first, let address = Address(first) else {
      throw HarnessFailure("no listener in the status: \(status.listen)")
    }
    self.address = address
  }

  public func status() async throws -> StatusDocument { try await Self.status(controlSocket) }

  private static func status(_ control: String) async throws -> StatusDocument {
    let response = try await request("GET", "/v1/status", at: .unix(control))
    guard response.status == 200 else { throw HarnessFailure("status: \(response.status) \(response.text)") }
    return try JSONDecoder().decode(StatusDocument.self, from: Data(response.body))
  }

  /// The workers of a pool as they are now, by slot.
  public func workers(of pool: String = "stubs") async throws -> [StatusDocument.Worker] {
    let pools = try await status().pools
    guard let found = pools.first(where: { $0.name.rawValue == pool }) else {
      throw HarnessFailure("no pool \(pool)")
    }
    return found.workers.sorted { ($0.slot, $0.generation) < ($1.slot, $1.generation) }
  }

  /// Waits for an event, those that have been included.
  @discardableResult
  public func event(
    _ waitedFor: String, within time: Duration = .patience, where matches: @escaping @Sendable (Event) -> Bool
  ) async throws -> Event {
    try await feed.first(waitedFor, within: time) { $0.first(where: matches) }
  }

  /// Waits until so many events match.
  @discardableResult
  public func events(
    _ count: Int, _ waitedFor: String, within time: Duration = .patience,
    where matches: @escaping @Sendable (Event) -> Bool
  ) async throws -> [Event] {
    try await feed.first("\(count) × \(waitedFor)", within: time) { events in
      let found = events.filter(matches)
      return found.count >= count ? found : nil
    }
  }

  /// Waits until so many workers got ready, or were taken over from an earlier supervisor.
  fileprivate func standing(_ workers: Int, within time: Duration) async throws {
    _ = try await feed.first("\(workers) workers ready", within: time) { events in
      let tookOver = events.contains { $0.message.hasPrefix("took over from") }
      return tookOver || events.count { $0.kind == .ready } >= workers ? true : nil
    }
  }

  /// Waits for a line by sd_notify.
  public func notified(_ line: String, within time: Duration = .patience) async throws {
    _ = try await notify.first("\(line) by sd_notify", within: time) { $0.contains(line) ? line : nil }
  }

  /// Writes other settings over those it was started with.
  public func rewrite(_ setup: Setup) throws { try rewrite(yaml: setup.yaml(directory: directory)) }

  public func rewrite(yaml: String) throws {
    try yaml.write(toFile: "\(settingsFile).new")
    try move("\(settingsFile).new", to: settingsFile)
  }

  /// Waits until the status is as wished; it is asked again and again.
  @discardableResult
  public func status(
    _ waitedFor: String, within time: Duration = .patience, where isSo: (StatusDocument) -> Bool
  ) async throws -> StatusDocument {
    let deadline = Deadline.after(time)
    while !deadline.passed {
      let status = try await status()
      if isSo(status) { return status }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw TimedOut(waitedFor)
  }

  /// Runs the command-line client against it.
  public func cli(_ arguments: String...) async throws -> CommandResult {
    try await run(Programs.masterpool, arguments + ["--control", controlSocket])
  }

  /// Asks it to end and waits for that.
  @discardableResult
  public func stop(within time: Duration) async throws -> ExitStatus {
    process.send(SIGTERM)
    return try await process.end(within: time)
  }
}

/// The harness's own complaint about how a masterpool behaved.
public struct HarnessFailure: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// Starts masterpool for the time of `body`, once it has said READY=1 and all workers are ready. Afterwards it must end by SIGTERM within its
/// limit, with exit 0, and leave no process behind; else this throws, with its log.
public func withMasterpool<Value>(_ setup: Setup, _ body: (Masterpool) async throws -> Value) async throws -> Value {
  try await withTemporaryDirectory { directory in
    try await withMasterpool(yaml: setup.yaml(directory: directory), in: directory, setup, body)
  }
}

/// The same with settings in the caller's own words and a directory that is the caller's.
public func withMasterpool<Value>(
  yaml: String, in directory: String, _ limits: Setup = Setup(), _ body: (Masterpool) async throws -> Value
) async throws -> Value {
  await Places.shared.take()
  let mark = "MASTERPOOL_TEST=\(directory)"
  do {
    let value = try await live(yaml: yaml, in: directory, limits, body)
    try await expectNothingLeft(mark)
    await Places.shared.giveBack()
    return value
  } catch {
    for pid in Processes.marked(mark) { kill(pid, SIGKILL) }
    await Places.shared.giveBack()
    throw error
  }
}

private func live<Value>(
  yaml: String, in directory: String, _ limits: Setup, _ body: (Masterpool) async throws -> Value
) async throws -> Value {
  let settings = "\(directory)/masterpool.yaml"
  try yaml.write(toFile: settings)
  let notify = try NotifySocket(path: "\(directory)/notify.sock")
  defer { notify.finish() }
  let started = Date()
  let process = try Child(
    Programs.masterpool, ["run", "--config", settings],
    environment: ["NOTIFY_SOCKET": notify.path, "MASTERPOOL_TEST": directory])
  do {
    try await ready(process, notify, within: limits.startLimit)
    let masterpool = try await Masterpool(directory: directory, process: process, notify: notify, started: started)
    // It is ready as soon as agents can be served; a test counts on all its workers.
    let workers = try await masterpool.status().pools.map(\.size).reduce(0, +)
    try await masterpool.standing(workers, within: limits.startLimit)
    let value = try await body(masterpool)
    let status = try await masterpool.stop(within: limits.stopLimit)
    guard status == .exited(0) else { throw HarnessFailure("masterpool ended with \(status)") }
    return value
  } catch {
    throw HarnessFailure("\(error)\nIts log:\n\(excerpt(of: process.standardError + process.standardOutput))")
  }
}

/// From where a process crashed, or the end of the log.
private func excerpt(of log: String) -> String {
  let lines = log.split(separator: "\n").map { $0.prefix(300) }
  let crash = lines.firstIndex { $0.contains("Fatal error") || $0.contains("Program crashed") }
  return (crash.map { lines[$0...].prefix(80) } ?? lines.suffix(60)).joined(separator: "\n")
}

private func ready(_ process: Child, _ notify: NotifySocket, within time: Duration) async throws {
  let watch = Task {
    let status = try await process.end(within: time)
    notify.note("ended with \(status)")
  }
  defer { watch.cancel() }
  try await notify.readyOrEnded(within: time)
}

extension NotifySocket {
  fileprivate func readyOrEnded(within time: Duration) async throws {
    let line = try await first("READY=1 by sd_notify", within: time) { lines in
      lines.first { $0 == "READY=1" || $0.hasPrefix("ended with ") }
    }
    guard line == "READY=1" else { throw HarnessFailure("masterpool \(line) before it was ready") }
  }
}

private func expectNothingLeft(_ mark: String) async throws {
  let deadline = Deadline.after(.seconds(2))
  var left = Processes.marked(mark)
  // A killed process may take a moment to leave /proc.
  while !left.isEmpty && !deadline.passed {
    try await Task.sleep(for: .milliseconds(20))
    left = Processes.marked(mark)
  }
  guard left.isEmpty else {
    throw HarnessFailure("processes left behind: \(left.map { "\($0) \(Processes.name($0))" })")
  }
}

/// How many masterpools run at once: their timing suffers where there are many more than cores.
private actor Places {
  static let shared = Places()
  private var free = 2
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func giveBack() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
