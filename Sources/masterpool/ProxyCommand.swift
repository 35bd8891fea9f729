import ArgumentParser
import Proxying

struct ProxyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proxy",
    abstract: "The data plane; started by the supervisor, not by hand.",
    shouldDisplay: false)

  @Option(help: "The inherited descriptor of the link to the supervisor.")
  var link: Int32

  @Option(help: "The inherited listening descriptors, separated by commas.")
  var listeners: String

  @Option(help: "The inherited descriptor of the supervisor's standard output.")
  var output: Int32 = 1

  func run() throws {
    let descriptors = listeners.split(separator: ",").map { Int32($0) }
    guard !descriptors.contains(nil) else {
      throw ValidationError("--listeners takes descriptor numbers separated by commas")
    }
    throw ExitCode(Proxy.run(link: link, listeners: descriptors.compactMap { $0 }, output: output))
  }
}
