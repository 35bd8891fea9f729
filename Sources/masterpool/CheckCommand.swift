import ArgumentParser
import Glibc
import Pool
import Proxying
import Settings

/// `masterpool check`: every problem of the settings file, or what it comes to.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check the settings file.",
    discussion: """
      Prints every problem as FILE:LINE:COLUMN: PATH: WHAT; WHAT TO WRITE INSTEAD and exits 78, or prints the \
      effective settings and exits 0. Certificates, keys, authorities and revocation lists are read and held against \
      each other as a proxy would do it.

      Read are the settings file and then its drop-ins, the files *.yaml in the folder of its name with .d \
      (/etc/masterpool/masterpool.d), in the order of their names. Each is merged over those before it: mappings by \
      key; lists and single values take the place of what was there.
      """)

  @OptionGroup var settings: SettingsOption

  func run() throws {
    let settings = try settings.load()
    _ = try loadControlKeys(settings.control)
    try checkCertificates(of: settings.listen)
    print(summary(of: settings))
  }

  private func checkCertificates(of listeners: [ListenerConfiguration]) throws(ExitCode) {
    let problems = listeners.enumerated().compactMap { index, listener in
      listener.tls.flatMap(Proxy.problem).map { "\(settings.config): listen[\(index)].tls: \($0)" }
    }
    guard !problems.isEmpty else { return }
    for problem in problems { complain(problem) }
    throw .badConfiguration
  }
}

/// `--config`, for every command that reads the settings.
struct SettingsOption: ParsableArguments {
  static let standardPath = "/etc/masterpool/masterpool.yaml"

  @Option(name: .long, help: "The settings file.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String = SettingsOption.standardPath

  /// The settings; after printing every problem to standard error it throws exit code 78.
  func load() throws(ExitCode) -> Settings { try loadSettings(config: config) }

  /// The same under what the command line says, with what was read.
  func loadWithTexts(_ overrides: [SettingOverride]) throws(ExitCode) -> (Settings, [SettingsText]) {
    try loadSettingsWithTexts(SettingsFiles(config: config, overrides: overrides))
  }
}

extension ExitCode {
  /// `EX_CONFIG` of sysexits.h.
  static let badConfiguration = ExitCode(78)
}

/// Reads the settings file; prints every problem to standard error and throws 78 if there is one.
func loadSettings(config: String) throws(ExitCode) -> Settings {
  try loadSettingsWithTexts(SettingsFiles(config: config)).0
}

private func loadSettingsWithTexts(_ settings: SettingsFiles) throws(ExitCode) -> (Settings, [SettingsText]) {
  do throws(Problems) {
    return try settings.read()
  } catch {
    complain("\(error)")
    let files = Set(error.all.map(\.file))
    let name = files.count == 1 ? files.first ?? settings.config : "\(settings.config) with its drop-ins"
    complain(error.all.count == 1 ? "\(name) has a problem." : "\(name) has \(error.all.count) problems.")
    throw .badConfiguration
  }
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
