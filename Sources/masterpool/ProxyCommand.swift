import ArgumentParser
import Glibc
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

  @Option(help: "The inherited descriptor of the socket where another supervisor comes in; -1: none.")
  var door: Int32 = -1

  func run() throws {
    let descriptors = listeners.split(separator: ",").map { Int32($0) }
    guard !descriptors.contains(nil) else {
      throw ValidationError("--listeners takes descriptor numbers separated by commas")
    }
    // Its words go into a pipe that nobody reads while there is no supervisor: agents are not held up by that.
    _ = fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK)
    throw ExitCode(Proxy.run(link: link, listeners: descriptors.compactMap { $0 }, output: output, door: door))
  }
}
