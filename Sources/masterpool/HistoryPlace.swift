import ArgumentParser
import Control
import Foundation
import Glibc
import History
import Pool
import Settings

/// Where the ledger is: behind a supervisor, or in the file that a dead one left.
struct HistoryPlace: ParsableArguments {
  @OptionGroup var options: ControlOptions

  @Option(
    help: ArgumentHelp("Read the ledger in this state_dir, whether a supervisor runs or not.", valueName: "folder"))
  var stateDir: String?

  @Option(
    help: "Ask the supervisor of these settings, or read its ledger.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  /// What `fetch` gets of the supervisor; where none is there, what `read` finds in the ledger's file.
  func ask<Answer>(
    _ fetch: (ControlClient) async throws(ControlFailure) -> Answer,
    orRead read: (HistoryReader) async throws(HistoryUnreadable) -> Answer
  ) async throws -> Answer {
    if let stateDir, options.control == nil { return try await answer(in: stateDir, read) }
    let places = try places()
    do throws(ControlFailure) { return try await fetch(places.client) } catch {
      // A socket that was named is asked for its own sake.
      guard case .nobodyThere = error, let folder = places.stateDirectory,
        FileManager.default.fileExists(atPath: folder)
      else {
        Terminal.complain(error.description)
        throw ExitCode(error.exitStatus)
      }
      Terminal.complain("no masterpool runs; read from \(folder)")
      return try await answer(in: folder, read)
    }
  }

  func client() throws -> ControlClient { try places().client }

  private func places() throws -> (client: ControlClient, stateDirectory: String?) {
    if let config {
      let settings = try loadSettings(config: config)
      let client = options.control == nil ? ControlClient(socketPath: settings.control.socketPath) : options.client
      return (client, stateDir ?? settings.stateDirectory)
    }
    return (options.client, stateDir ?? (options.isNamed ? nil : Settings.standardStateDirectory))
  }

  private func answer<Answer>(
    in folder: String, _ read: (HistoryReader) async throws(HistoryUnreadable) -> Answer
  ) async throws -> Answer {
    let path =
      folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
    do throws(HistoryUnreadable) { return try await read(HistoryReader(stateDirectory: path)) } catch {
      Terminal.complain(error.description)
      throw ExitCode(access(path, F_OK) == 0 ? 1 : 69)
    }
  }
}

/// From when to when.
struct TimeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Only from then on: \(Moment.forms).", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only before then.", valueName: "time"))
  var until: String?

  func filter() throws -> EventFilter {
    EventFilter(since: try moment("--since", since), until: try moment("--until", until))
  }

  private func moment(_ name: String, _ text: String?) throws -> String? {
    guard let text else { return nil }
    guard let moment = Moment.read(text, now: Date()) else {
      throw ValidationError("\(name) takes \(Moment.forms)")
    }
    return moment
  }
}

extension RecycleReason: ExpressibleByArgument {}
extension Event.Kind: ExpressibleByArgument {}
