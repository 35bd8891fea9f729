import ArgumentParser

@main
struct Masterpool: AsyncParsableCommand {
  #if NEXT_VERSION
    /// That of the program that tests upgrade to.
    static let version = "0.1.1"
  #else
    static let version = "0.1.0"
  #endif

  static let configuration = CommandConfiguration(
    commandName: "masterpool",
    abstract: "A front proxy and a supervisor for pools of config masters, Puppet first.",
    discussion: """
      Agents' requests come in over TLS and are spread over forked workers on all cores; the workers are recycled \
      on a timer, on memory and on other reasons, each one's catalog cache wiped, and no agent notices.

        masterpool check                   every mistake in the settings, at once
        masterpool run                     supervise in the foreground
        masterpool status                  pools, workers, proxy
        masterpool restart masters --wait  recycle a pool, rolling
        masterpool set KEY=VALUE           change a setting, live
        masterpool reload                  new settings, without a lost request
        masterpool events --follow         what happens, and why workers went
        masterpool history masters         how workers ended, and what they held
        masterpool nodes --overdue 2h      who has fallen silent
        masterpool advise masters          what to set, and why
        masterpool simulate --agents 5000  what settings would come to
        masterpool help topics             the manual: install, troubleshoot, ...
      """,
    version: version,
    subcommands: [
      RunCommand.self, CheckCommand.self, StatusCommand.self, TopCommand.self, RestartCommand.self, DrainCommand.self,
      ResumeCommand.self, ScaleCommand.self, SetCommand.self, GetCommand.self, DiffCommand.self, ReleaseCommand.self,
      NotifyCommand.self,
      ReloadCommand.self, EventsCommand.self, HistoryCommand.self, AdviseCommand.self, NodesCommand.self,
      SimulateCommand.self, UpgradeCommand.self, StopCommand.self,
      CACommand.self, HelpCommand.self, ProxyCommand.self,
    ])
}
