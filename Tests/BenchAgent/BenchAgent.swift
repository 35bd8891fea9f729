import ArgumentParser
import Glibc

/// A load client for benchmarks that can do what wrk cannot: TLS with a client certificate, full and resumed
/// handshakes, uploads, and thousands of connections that are held open. One thread, one line of results.
@main
struct BenchAgent: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-agent", abstract: "Agents in a hurry, for benchmarks.",
    subcommands: [Connect.self, Request.self, Hold.self, Herd.self])
}

/// What all of its subcommands need to know.
struct Target: ParsableArguments {
  @Option(help: "The server's port on 127.0.0.1.") var port: UInt16
  @Option(help: "What is asked for.") var path = "/"
  @Option(help: "Connections at once.") var connections = 32
  @Option(help: "The client's certificate, PEM; with --key. Without --tls it is not shown.") var certificate: String?
  @Option(help: "Its key, PEM.") var key: String?
  @Flag(help: "Speak TLS.") var tls = false
  @Option(help: "The TLS version, 1.2 or 1.3.") var version = "1.3"

  func validate() throws {
    guard (1...60000).contains(connections) else { throw ValidationError("--connections is 1…60000") }
    guard ["1.2", "1.3"].contains(version) else { throw ValidationError("--version is 1.2 or 1.3") }
    guard (certificate == nil) == (key == nil) else { throw ValidationError("--certificate and --key go together") }
  }

  func client() throws -> Client? {
    guard tls else { return nil }
    return try Client(certificate: certificate, key: key, isTLS13: version == "1.3")
  }
}

/// New connections one after the other, each with one request.
struct Connect: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "New connections, each with one request.")
  @OptionGroup var target: Target
  @Option(help: "How long.") var seconds: Double = 3
  @Flag(help: "Resume the session of the connection before.") var resume = false

  func run() throws {
    var plan = Plan(target)
    plan.seconds = seconds
    plan.requests = 1
    plan.resumes = resume
    try Driver(plan, client: target.client()).run()
  }
}

/// Requests over connections that are kept.
struct Request: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Requests over kept connections.")
  @OptionGroup var target: Target
  @Option(help: "How long.") var seconds: Double = 3
  @Option(help: "POST so many bytes with each request.") var upload = 0

  func run() throws {
    var plan = Plan(target)
    plan.seconds = seconds
    plan.upload = upload
    try Driver(plan, client: target.client()).run()
  }
}

/// Connections that are opened, used once and then kept without a word.
struct Hold: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Opens all connections, sends one request over each, and holds them until its input ends.")
  @OptionGroup var target: Target
  @Option(help: "Connections that are being opened at once.") var abreast = 64

  func run() throws {
    var plan = Plan(target)
    plan.holds = true
    plan.abreast = max(1, abreast)
    try Driver(plan, client: target.client()).run()
  }
}

/// What the driver does.
struct Plan {
  var port: UInt16
  var path: String
  var connections: Int
  var seconds: Double?
  /// So many over each connection; nil: no end.
  var requests: Int?
  var resumes = false
  var upload = 0
  var holds = false
  var abreast: Int

  init(_ target: Target) {
    port = target.port
    path = target.path
    connections = target.connections
    abreast = target.connections
  }
}
