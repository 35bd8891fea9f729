import ArgumentParser
import Control
import Dispatch
import FoundationEssentials
import Glibc
import History
import Logging
import ServiceLifecycle
import Settings
import Supervision

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Supervise in the foreground: proxy, workers, control socket.",
    discussion: """
      Says READY=1 to the service manager when agents can be served. The first SIGTERM or SIGINT lets requests \
      finish within the configured times, a second one hurries. SIGHUP puts new settings in force, as \
      `masterpool reload` does. SIGUSR1 opens the access log's file anew, after it was renamed.

      Exit status: 0 after a graceful end, 1 where it cannot start, 78 for settings with mistakes.
      """)

  @OptionGroup var settings: SettingsOption

  @Option(help: "The least serious messages to log: trace, debug, info, notice, warning, error, critical.")
  var logLevel: Logger.Level = .info

  func run() async throws {
    let settings = try settings.load()
    let environment = ProcessInfo.processInfo.environment
    // It may come before there is anything to open; it must not end us.
    signal(SIGUSR1, SIG_IGN)
    LoggingSystem.bootstrap { [logLevel] _ in LineLogHandler(level: logLevel, environment: environment) }
    let logger = Logger(label: "masterpool")
    let executable = try ownExecutable()
    let config = self.settings.config
    let history = History(stateDirectory: settings.stateDirectory, policy: settings.history)
    let supervisor = Supervisor(
      plan: SupervisorPlan(settings, executable: executable), logger: logger, environment: environment,
      ledger: history
    ) {
      do throws(Problems) {
        return .plan(SupervisorPlan(try readSettings(config: config), executable: executable))
      } catch {
        return .problems(error.all.map(\.description))
      }
    }
    let control = ControlServer(
      socketPath: settings.control.socketPath, listen: settings.control.listen,
      controlled: HistoryDesk(supervisor: supervisor, history: history), logger: logger)
    do {
      try await supervisor.prepare()
      try control.check()
      let signals = Signals([
        SIGTERM: { await supervisor.stop() }, SIGINT: { await supervisor.stop() },
        SIGHUP: { _ = await supervisor.reload(.asked(by: "SIGHUP")) },
        SIGUSR1: { await supervisor.reopenLogs() },
      ])
      defer { signals.cancel() }
      try await serve(supervisor, control, logger)
    } catch let failure as SupervisorFailure {
      await history.close()
      try fail(failure.description)
    } catch let failure as ControlServerFailure {
      await history.close()
      try fail(failure.description)
    }
    await history.close()
  }

  private func fail(_ why: String) throws {
    Terminal.complain(why)
    throw ExitCode.failure
  }

  /// The control server outlives the supervisor's drain, so that `status` tells of it; without it nothing runs.
  private func serve(_ supervisor: Supervisor, _ control: ControlServer, _ logger: Logger) async throws {
    // The life of our services is told by themselves.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let group = ServiceGroup(
      configuration: .init(
        services: [
          .init(service: control, failureTerminationBehavior: .gracefullyShutdownGroup),
          .init(
            service: SupervisorService(supervisor: supervisor),
            successTerminationBehavior: .gracefullyShutdownGroup),
        ], logger: quiet))
    try await group.run()
  }
}

/// The supervisor among the services: it ends by its own `stop`, or when the control server failed.
private struct SupervisorService: Service {
  let supervisor: Supervisor

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await supervisor.run()
    } onGracefulShutdown: {
      Task { await supervisor.stop() }
    }
  }
}

/// Signals as calls.
private struct Signals {
  private let sources: [any DispatchSourceSignal]

  init(_ acts: [Int32: @Sendable () async -> Void]) {
    sources = acts.map { number, act in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { Task { await act() } }
      source.activate()
      return source
    }
    signal(SIGPIPE, SIG_IGN)
  }

  func cancel() { sources.forEach { $0.cancel() } }
}

extension SupervisorPlan {
  init(_ settings: Settings, executable: String) {
    self.init(
      version: Masterpool.version, executable: executable, stateDirectory: settings.stateDirectory,
      runDirectory: settings.runDirectory, pools: settings.pools, proxy: settings.proxyConfiguration,
      fixed: [
        "control.socket": settings.control.socketPath,
        "control.listen": settings.control.listen?.description ?? "none",
      ], ledger: settings.history)
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// The path of this very program, also after its file was replaced.
private func ownExecutable() throws -> String {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  guard count > 0 else { throw ValidationError("/proc/self/exe cannot be read: is /proc mounted?") }
  return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
