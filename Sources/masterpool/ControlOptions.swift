import ArgumentParser
import Control
import Foundation
import Glibc
import Pool

/// Where the supervisor is, for all commands that talk to it.
struct ControlOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The supervisor's control socket. (default: $MASTERPOOL_CONTROL or \(ControlClient.defaultSocket))",
      valueName: "socket"))
  var control: String?

  var client: ControlClient { Self.client(control) }

  /// It is not the standard one.
  var isNamed: Bool { control != nil || Self.fromEnvironment != nil }

  /// Where it is named, else where the environment says, else at its usual place.
  static func client(_ control: String?) -> ControlClient {
    ControlClient(socketPath: control ?? fromEnvironment ?? ControlClient.defaultSocket)
  }

  private static var fromEnvironment: String? {
    ProcessInfo.processInfo.environment["MASTERPOOL_CONTROL"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Runs what asks the supervisor; says why it came to nothing, and ends with the contract's status.
  func ask(_ body: (ControlClient) async throws -> Void) async throws {
    try await reporting { try await body(client) }
  }

  func reporting(_ body: () async throws -> Void) async throws {
    do { try await body() } catch let failure as ControlFailure {
      Terminal.complain(failure.description)
      throw ExitCode(failure.exitStatus)
    }
  }
}

/// What is printed goes out at once, also into a pipe.
enum Terminal {
  static func say(_ text: String) { try? FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8)) }

  /// The same of what may end its last line itself.
  static func show(_ text: String) { say(text.hasSuffix("\n") ? String(text.dropLast()) : text) }

  static func complain(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data("masterpool: \(text)\n".utf8))
  }

  /// Colour for a person at a terminal, who has not said no (no-color.org).
  static var palette: Palette {
    let environment = ProcessInfo.processInfo.environment
    guard isatty(STDOUT_FILENO) == 1, environment["TERM"] != "dumb" else { return .plain }
    return environment["NO_COLOR"].map { $0.isEmpty } ?? true ? .ansi : .plain
  }

  static func json(_ document: some Encodable, pretty: Bool) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }
}

extension SlotID: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public static var defaultCompletionKind: CompletionKind { .custom(Completing.slots) }
}

extension PoolName: ExpressibleByArgument {
  public init?(argument: String) { self.init(rawValue: argument) }
  public static var defaultCompletionKind: CompletionKind { .custom(Completing.pools) }
}

extension ControlCommand.Target: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
  public static var defaultCompletionKind: CompletionKind { .custom(Completing.targets) }
}
