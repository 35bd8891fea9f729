import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import History
import Logging
import Logs
import Pool
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
      `masterpool reload` does. SIGUSR1 opens the access log's file anew, after it was renamed. SIGUSR2 ends the \
      supervisor alone: proxy and workers serve on, and the next `masterpool run` takes them over.

      Exit status: 0 after a graceful end, 1 where it cannot start, 78 for settings with mistakes.
      """)

  @OptionGroup var settings: SettingsOption

  @OptionGroup var logOptions: LogOptions

  func run() async throws {
    let overrides = logOptions.overrides
    let (settings, texts) = try self.settings.loadWithTexts(overrides)
    let environment = ProcessInfo.processInfo.environment
    // It may come before there is anything to open; it must not end us.
    signal(SIGUSR1, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    let center = LogCenter(settings.log, environment: environment)
    LoggingSystem.bootstrap { center.handler(label: $0) }
    defer { center.flush() }
    let logger = Logger(label: "supervisor")
    let executable = try ownExecutable()
    let files = SettingsFiles(config: self.settings.config, overrides: overrides)
    let keys = try loadControlKeys(settings.control)
    let gate = ControlGate(keys)
    let history = History(stateDirectory: settings.stateDirectory, policy: settings.history)
    let supervisor = Supervisor(
      plan: SupervisorPlan(settings, texts, executable: executable).opening(gate, with: keys)
        .speaking(through: center, by: settings.log), logger: logger,
      environment: environment,
      ledger: history,
      successor: SuccessorPlan(
        arguments: CommandLine.arguments, check: ["check", "--config", files.config]
      ) { center.flush() },
      keeper: SettingsKeeper { values, texts in try files.keep(values, beside: texts) }
    ) { request in
      do {
        let (settings, texts) = try files.read(request.texts, overrides: request.overrides)
        let keys = try ControlGate.Keys(settings.control)
        return .plan(
          SupervisorPlan(settings, texts, executable: executable).opening(gate, with: keys)
            .speaking(through: center, by: settings.log))
      } catch let problems as Problems {
        return .problems(problems.all.map(\.description))
      } catch {
        return .problems(["\(error)"])
      }
    }
    let (open, isOpen) = AsyncStream.makeStream(of: Void.self)
    let control = ControlServer(
      socketPath: settings.control.socketPath, listen: settings.control.listen,
      controlled: HistoryDesk(supervisor: supervisor, history: history), gate: gate,
      logger: Logger(label: "control"), libraryLogger: Logger(label: "http")
    ) { _ in isOpen.finish() }
    do {
      try await supervisor.prepare()
      try control.check()
      let signals = Signals([
        SIGTERM: { Task { await supervisor.stop() } }, SIGINT: { Task { await supervisor.stop() } },
        SIGHUP: { Task { await supervisor.reload(.asked(by: "SIGHUP")) } },
        SIGUSR1: { Task { await supervisor.reopenLogs() } },
        SIGUSR2: { Task { await supervisor.leave() } },
      ])
      defer { signals.cancel() }
      try await serve(SupervisorService(supervisor: supervisor, controlIsOpen: open), control)
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
  private func serve(_ supervisor: SupervisorService, _ control: ControlServer) async throws {
    let group = ServiceGroup(
      configuration: .init(
        services: [
          .init(service: control, failureTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: supervisor, successTerminationBehavior: .gracefullyShutdownGroup),
        ], logger: Logger(label: "lifecycle")))
    try await group.run()
  }
}

/// The supervisor among the services: it ends by its own `stop`, or when the control server failed.
private struct SupervisorService: Service {
  let supervisor: Supervisor
  /// Ends when the control API can be reached: whoever is told that we are ready may ask at once.
  let controlIsOpen: AsyncStream<Void>

  func run() async throws {
    for await _ in controlIsOpen.cancelOnGracefulShutdown() {}
    try await withGracefulShutdownHandler {
      try await supervisor.run()
    } onGracefulShutdown: {
      Task { await supervisor.stop() }
    }
  }
}

extension SupervisorPlan {
  init(_ settings: Settings, _ texts: [SettingsText], executable: String) {
    self.init(
      version: Masterpool.version, executable: executable, stateDirectory: settings.stateDirectory,
      runDirectory: settings.runDirectory, pools: settings.pools, proxy: settings.proxyConfiguration,
      fixed: [
        "control.socket": settings.control.socketPath,
        "control.listen": settings.control.listen?.description ?? "none",
      ], ledger: settings.history, nodes: settings.nodes, notify: settings.notify, texts: texts,
      account: settings.account)
  }
}

/// The path of this very program, also after its file was replaced.
private func ownExecutable() throws -> String {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  guard count > 0 else { throw ValidationError("/proc/self/exe cannot be read: is /proc mounted?") }
  return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
