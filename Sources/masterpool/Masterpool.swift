import ArgumentParser

@main
struct Masterpool: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "masterpool",
    abstract: "A front proxy and a supervisor for pools of config masters, Puppet first.",
    discussion: """
      Agents' requests come in over TLS and are spread over forked workers on all cores; the workers are recycled \
      on a timer, on memory and on other reasons, each one's catalog cache wiped, and no agent notices.

        masterpool check --config masterpool.yaml     every mistake in the settings, at once
        masterpool run --config masterpool.yaml       supervise in the foreground
        masterpool status                             pools, workers, proxy
        masterpool restart masters --wait             recycle a pool, rolling
        masterpool reload                             new settings and certificates, without a lost request
        masterpool events --follow                    what happens, and why each worker was restarted
        masterpool history masters --since 24h        how workers ended, and what they held
      """,
    version: version,
    subcommands: [
      RunCommand.self, CheckCommand.self, StatusCommand.self, RestartCommand.self, DrainCommand.self,
      ResumeCommand.self, ScaleCommand.self, ReleaseCommand.self, ReloadCommand.self, EventsCommand.self,
      HistoryCommand.self, StopCommand.self, CACommand.self,
      ProxyCommand.self,
    ])
}
