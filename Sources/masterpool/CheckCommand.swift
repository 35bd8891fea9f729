import ArgumentParser
import Glibc
import Settings

/// `masterpool check`: every problem of the settings file, or what it comes to.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check the settings file.",
    discussion: """
      Prints every problem as FILE:LINE:COLUMN: PATH: WHAT; WHAT TO WRITE INSTEAD and exits 78, or prints the \
      effective settings and exits 0.
      """)

  @OptionGroup var settings: SettingsOption

  func run() throws {
    print(summary(of: try settings.load()))
  }
}

/// `--config`, for every command that reads the settings.
struct SettingsOption: ParsableArguments {
  static let standardPath = "/etc/masterpool/masterpool.yaml"

  @Option(name: .long, help: "The settings file.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String = SettingsOption.standardPath

  /// The settings; after printing every problem to standard error it throws exit code 78.
  func load() throws(ExitCode) -> Settings {
    try loadSettings(config: config)
  }
}

extension ExitCode {
  /// `EX_CONFIG` of sysexits.h.
  static let badConfiguration = ExitCode(78)
}

/// Reads the settings file; prints every problem to standard error and throws 78 if there is one.
func loadSettings(config: String) throws(ExitCode) -> Settings {
  do throws(Problems) {
    return try readSettings(config: config)
  } catch {
    complain("\(error)")
    complain(
      error.all.count == 1 ? "\(config) has a problem." : "\(config) has \(error.all.count) problems.")
    throw .badConfiguration
  }
}

/// The settings as the file and the machine are now.
func readSettings(config: String) throws(Problems) -> Settings {
  try Settings.read(bytes: try readSettingsFile(config), file: config, surroundings: MachineSurroundings())
}

private func readSettingsFile(_ path: String) throws(Problems) -> [UInt8] {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { throw unreadable(path, errno) }
  defer { close(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  // One byte past the limit is enough for the reader to refuse it; a pipe may have no end.
  while bytes.count <= Settings.maxFileBytes {
    let count = chunk.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw unreadable(path, errno) }
    if count == 0 { break }
    bytes += chunk[..<count]
  }
  return bytes
}

private func unreadable(_ path: String, _ error: Int32) -> Problems {
  Problems([
    Problem(
      file: path, line: 1, column: 1, path: "", what: "it cannot be read: \(String(cString: strerror(error)))",
      instead: "name another with --config, or start from the sample masterpool.yaml")
  ])
}

private func complain(_ line: String) {
  let bytes = Array("\(line)\n".utf8)
  var sent = 0
  while sent < bytes.count {
    let count = bytes[sent...].withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    guard count > 0 || errno == EINTR else { return }
    sent += max(0, count)
  }
}
