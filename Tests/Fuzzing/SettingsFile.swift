import Settings

/// A settings file is taken, or refused with problems that say where and what to write instead.
@Sendable func fuzzSettings(_ bytes: [UInt8]) {
  let first = read(bytes)
  hold(first == read(bytes), "read twice it is another")
  guard case .failure(let problems) = first else { return }
  hold(!problems.all.isEmpty, "refused for nothing")
  let lines = bytes.count { $0 == 10 || $0 == 13 } + 2
  for problem in problems.all {
    hold(problem.line >= 1 && problem.column >= 1, "\(problem): no place")
    // YAML knows line ends of three bytes too, of which there are fewer than bytes.
    hold(problem.line <= max(lines, bytes.count), "\(problem): behind the file's end")
    hold(!problem.what.isEmpty && !problem.instead.isEmpty, "\(problem): says nothing")
    hold(!problem.description.unicodeScalars.contains { $0.value < 0x20 }, "\(problem.description.debugDescription)")
  }
}

private func read(_ bytes: [UInt8]) -> Result<Settings, Problems> {
  do throws(Problems) {
    return .success(
      try Settings.read(bytes: bytes, file: "/etc/masterpool/masterpool.yaml", surroundings: Anywhere()))
  } catch {
    return .failure(error)
  }
}

/// A machine where everything is there.
private struct Anywhere: Surroundings {
  let currentDirectory = "/etc/masterpool"
  func look(at path: String, followingLinks: Bool) -> PathFacts? {
    let isFile = path.contains(".pem") || path.contains(".key") || path.contains(".rb")
    return PathFacts(kind: isFile ? .file : .directory, mode: isFile ? 0o600 : 0o755)
  }
  func canRead(_ path: String) -> Bool { true }
  func canWrite(_ path: String) -> Bool { true }
  func resolved(_ path: String) -> String { path }
  let mountPoints = ["/"]
  let homeDirectories = ["/root", "/home/anna"]
  func userExists(_ name: String) -> Bool { name == "puppet" }
  let coreCount = 4
  func executable(_ name: String) -> String? { name.isEmpty ? nil : name.hasPrefix("/") ? name : "/usr/bin/\(name)" }
  let mastersDirectory: String? = "/usr/share/masterpool/masters"
}
