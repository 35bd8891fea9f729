import Glibc

/// Everything a worker's process is made of; nothing else of ours reaches it.
struct LaunchOrder: Sendable {
  /// The program and its arguments; a name without a slash is searched for on the PATH of `environment`.
  var arguments: [String]
  /// Complete: nothing is added to it.
  var environment: [String: String]
  /// Nil: our own user and groups.
  var user: String?
  /// Nil: our own working directory.
  var workingDirectory: String?
  var inherited: [InheritedDescriptor]
  /// What files it creates shall lack.
  var fileModeMask: UInt32
  /// `cgroup.procs` of the control group that it joins before it is the program; nil: it stays in ours.
  var groupEntrance: String?

  init(
    arguments: [String], environment: [String: String], user: String? = nil, workingDirectory: String? = nil,
    inherited: [InheritedDescriptor] = [], fileModeMask: UInt32 = 0o027, groupEntrance: String? = nil
  ) {
    self.arguments = arguments
    self.environment = environment
    self.user = user
    self.workingDirectory = workingDirectory
    self.inherited = inherited
    self.fileModeMask = fileModeMask
    self.groupEntrance = groupEntrance
  }
}

/// A descriptor of ours and the number, 3 or higher, under which the child finds it.
struct InheritedDescriptor: Hashable, Sendable {
  var descriptor: Int32
  var number: Int32

  init(descriptor: Int32, as number: Int32) {
    self.descriptor = descriptor
    self.number = number
  }
}

/// Why no process came of an order.
enum SpawnFailure: Error, Hashable, CustomStringConvertible {
  /// Not there, not executable, or not on PATH; empty: the order names no program.
  case executableMissing(String)
  case unknownUser(String)
  /// A text with a zero byte, or an impossible descriptor number.
  case invalid(String)
  /// `stage` is what was being done: `entering its working directory`.
  case failed(stage: String, errno: Int32)

  var description: String {
    switch self {
    case .executableMissing(""): "the command is empty"
    case .executableMissing(let path) where path.contains("/"): "\(path) does not exist or is not executable"
    case .executableMissing(let name): "\(name) is not an executable on PATH"
    case .unknownUser(let name): "there is no user \(name.debugDescription)"
    case .invalid(let what): what
    case .failed(let stage, let errno): "the process could not be started: \(stage): \(reason(errno))"
    }
  }
}

extension LaunchOrder {
  /// Where the program is, as exec will be told.
  func program() throws(SpawnFailure) -> String {
    guard let name = arguments.first, !name.isEmpty else { throw .executableMissing("") }
    if name.contains("/") {
      let path = name.hasPrefix("/") ? name : "\(workingDirectory ?? ".")/\(name)"
      guard Self.isExecutable(path) else { throw .executableMissing(name) }
      return name
    }
    // A relative entry of PATH would mean the worker's own, writable, directory.
    let folders = (environment["PATH"] ?? Self.defaultPath).split(separator: ":").filter { $0.hasPrefix("/") }
    guard let path = folders.lazy.map({ "\($0)/\(name)" }).first(where: Self.isExecutable) else {
      throw .executableMissing(name)
    }
    return path
  }

  static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  private static func isExecutable(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o111 != 0
  }

  func checkTexts() throws(SpawnFailure) {
    for text in arguments where text.utf8.contains(0) {
      throw .invalid("the argument \(text.debugDescription) contains a zero byte")
    }
    for (name, value) in environment where name.utf8.contains(0) || value.utf8.contains(0) || name.contains("=") {
      throw .invalid("the environment variable \(name.debugDescription) has an impossible name or value")
    }
    if let workingDirectory, workingDirectory.utf8.contains(0) {
      throw .invalid("the working directory \(workingDirectory.debugDescription) contains a zero byte")
    }
    let numbers = inherited.map(\.number)
    guard numbers.allSatisfy({ (3...255).contains($0) }), Set(numbers).count == numbers.count, numbers.count <= 64
    else {
      throw .invalid("inherited descriptors must have different numbers from 3 to 255, at most 64 of them")
    }
  }
}
