import ArgumentParser
import Foundation
import Seeded
import TestSupport

/// A real masterpool with stub masters under load and under a stream of faults that a seed gives. At the end every
/// request is accounted for, or this exits with 1.
@main
struct Chaos: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chaos", abstract: "masterpool under load and under a stream of faults.")

  @Option(help: "How long faults fall.") var seconds = 300
  @Option(help: "Which faults, in which order. Their moments are the machine's.") var seed: UInt64?
  @Option(help: "Only these faults, separated by commas; see --list.") var faults: String?
  @Option(help: "Clients at once; half of them speak TLS.") var clients = 8
  @Flag(help: "Tell each fault when it falls.") var verbose = false
  @Flag(help: "Fork a pool's workers from a warm parent, and have faults fall on that too.") var preload = false
  @Flag(help: "List the faults.") var list = false
  @Flag(help: "Keep the folder of the run.") var keep = false

  func validate() throws {
    guard (1...86400).contains(seconds) else { throw ValidationError("--seconds is 1…86400") }
    guard (2...200).contains(clients) else { throw ValidationError("--clients is 2…200") }
    do { _ = try chosen() } catch let unknown as Faults.UnknownFault {
      throw ValidationError("there is no fault \(unknown.name); --list tells which there are")
    }
  }

  private func chosen() throws -> [any Fault] { try faults.map(Faults.named) ?? Faults.all }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    guard !list else { return Faults.all.forEach { print($0.name) } }
    let seed = seed ?? UInt64.random(in: 1...999_999)
    let directory = try makeTemporaryDirectory()
    var isClean = false
    do {
      isClean = try await Run(
        seed: seed, seconds: seconds, clients: clients, faults: chosen(), isVerbose: verbose, isPreloading: preload,
        directory: directory
      ).happen()
    } catch {
      print("FAILED: \(error)")
    }
    await Disk.unmount("\(directory)/state")
    if isClean && !keep { removeTree(directory) } else { print("All that was logged is in \(directory)") }
    guard isClean else {
      print(
        "Again: scripts/chaos --seed \(seed) --seconds \(seconds)\(preload ? " --preload" : "")\(faults.map { " --faults \($0)" } ?? "")"
      )
      throw ExitCode.failure
    }
  }
}
