import FoundationEssentials
import Glibc
import Pool
import Settings
import Supervision

/// This machine, as the settings' reader asks about it.
struct MachineSurroundings: Surroundings {
  let currentDirectory: String
  let mountPoints: [String]
  let homeDirectories: [String]
  let mastersDirectory: String?
  let coreCount: Int
  let memory: ByteCount?
  private let searchPath: [String]

  init() {
    let environment = ProcessInfo.processInfo.environment
    currentDirectory = FileManager.default.currentDirectoryPath
    mountPoints = readMountPoints()
    homeDirectories = readHomeDirectories()
    coreCount = max(1, ProcessInfo.processInfo.activeProcessorCount)
    memory = MemoryAllowance().total
    searchPath = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(String.init)
    mastersDirectory = findMasters(named: environment["MASTERPOOL_MASTERS"])
  }

  func look(at path: String, followingLinks: Bool) -> PathFacts? {
    var facts = stat()
    guard (followingLinks ? stat(path, &facts) : lstat(path, &facts)) == 0 else { return nil }
    let kind: PathFacts.Kind =
      switch facts.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      case S_IFLNK: .symlink
      default: .other
      }
    return PathFacts(kind: kind, mode: facts.st_mode & 0o7777, owner: facts.st_uid)
  }

  func canRead(_ path: String) -> Bool { access(path, R_OK) == 0 }

  func canWrite(_ path: String) -> Bool { access(path, W_OK) == 0 }

  func resolved(_ path: String) -> String {
    var known = path
    var missing = ""
    while known != "/", !known.isEmpty {
      if let real = realPath(known) { return real == "/" && !missing.isEmpty ? missing : real + missing }
      let slash = known.lastIndex(of: "/") ?? known.startIndex
      missing = known[slash...] + missing
      known = String(known[..<slash])
    }
    return missing.isEmpty ? "/" : missing
  }

  func userExists(_ name: String) -> Bool { getpwnam(name) != nil }

  func executable(_ name: String) -> String? {
    let candidates = name.contains("/") ? [name] : searchPath.map { "\($0)/\(name)" }
    return candidates.first { path in
      look(at: path, followingLinks: true)?.kind == .file && access(path, X_OK) == 0
    }
  }
}

private func realPath(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}

/// The fifth field of each line (proc_pid_mountinfo(5)), with its octal escapes undone.
private func readMountPoints() -> [String] {
  guard let table = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else { return ["/"] }
  return table.split(separator: "\n").compactMap { line in
    let fields = line.split(separator: " ")
    guard fields.count > 4 else { return nil }
    return String(fields[4]).replacing("\\040", with: " ").replacing("\\011", with: "\t")
      .replacing("\\012", with: "\n").replacing("\\134", with: "\\")
  }
}

private func readHomeDirectories() -> [String] {
  setpwent()
  defer { endpwent() }
  var homes: Set<String> = []
  while let entry = getpwent(), let home = entry.pointee.pw_dir { homes.insert(String(cString: home)) }
  return homes.sorted()
}

/// The adapters' folder: as named, beside the installed program, or in the tree that the program was built in.
private func findMasters(named: String?) -> String? {
  if let named { return named }
  guard let program = realPath("/proc/self/exe") else { return nil }
  var candidates = ["/usr/share/masterpool/masters"]
  var folder = program[...]
  while let slash = folder.lastIndex(of: "/") {
    folder = folder[..<slash]
    candidates.append("\(folder)/share/masterpool/masters")
    candidates.append("\(folder)/etc/masters")
  }
  return candidates.first { access("\($0)/puppet/worker.rb", R_OK) == 0 }
}
