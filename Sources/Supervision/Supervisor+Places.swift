import Glibc
import Pool

/// Where things lie: directories, sockets, ports and the commands that are told of them.
extension Supervisor {
  func makeDirectory(_ path: String, mode: mode_t) throws(SupervisorFailure) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/\(part)"
      guard mkdir(made, mode) == 0 || errno == EEXIST else { throw .cannotPrepare(path: made, why: reason()) }
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .cannotPrepare(path: path, why: "it is not a directory")
    }
  }

  /// Where a pool's workers make their sockets, and what its plan names: its user's. A folder that was there already
  /// is its owner's, whoever that is.
  func makeFolders(for pool: PoolPlan) throws(SupervisorFailure) {
    let sockets = socketDirectory(pool.name)
    for path in [sockets] + pool.launch.folders {
      let isNew = access(path, F_OK) != 0
      try makeDirectory(path, mode: path == sockets ? 0o750 : 0o755)
      guard let user = pool.launch.user, isNew || path == sockets else { continue }
      try give(path, to: user)
    }
  }

  private func give(_ path: String, to user: String) throws(SupervisorFailure) {
    let owner: UserIdentity
    do { owner = try UserIdentity.named(user) } catch { throw .cannotPrepare(path: path, why: "\(error)") }
    guard owner.uid == getuid() || chown(path, owner.uid, owner.gid) == 0 else {
      throw .cannotPrepare(path: path, why: "it cannot be given to \(user): \(reason())")
    }
  }

  private func socketDirectory(_ pool: PoolName) -> String { "\(plan.runDirectory)/\(pool)" }

  func socketPath(_ id: WorkerID) -> String {
    "\(socketDirectory(id.pool))/\(id.slot.index).\(id.generation).sock"
  }

  /// A loopback port that nothing uses now.
  func freePort() throws -> UInt16 {
    let probe = try Listener.bind(.ip(host: "127.0.0.1", port: 0))
    defer { probe.close() }
    guard case .ip(_, let port) = probe.address else { return 0 }
    return port
  }
}

extension LaunchOrder {
  /// Names the worker to itself, and its descendants to us.
  static let workerVariable = "MASTERPOOL_WORKER"

  /// A worker's command with its placeholders filled in.
  init(
    _ plan: LaunchPlan, worker id: WorkerID, directory: String, endpoint: Endpoint, runDirectory: String
  ) {
    let place =
      switch endpoint {
      case .unix(let path): ("{socket}", path)
      case .tcp(let port): ("{port}", String(port))
      }
    self.init(
      plan, in: directory, of: id.pool, index: String(id.slot.index), generation: id.generation.rawValue,
      places: [place], marks: [Remnants.variable: runDirectory, Self.workerVariable: id.description])
  }

  /// A master's command with its placeholders filled in.
  ///
  /// - Parameters:
  ///   - places: where it listens, by placeholder.
  ///   - marks: by which it is known; the plan's environment comes after them.
  init(
    _ plan: LaunchPlan, in directory: String, of pool: PoolName, index: String, generation: Int,
    places: [(String, String)], marks: [String: String]
  ) {
    func fill(_ text: String) -> String {
      let others = [
        ("{slot}", directory), ("{index}", index), ("{generation}", String(generation)), ("{pool}", pool.rawValue),
      ]
      return (places + others).reduce(text) { $0.replacing($1.0, with: $1.1) }
    }
    var environment = ownEnvironment()
    environment["HOME"] = directory
    environment.merge(marks) { $1 }
    environment.merge(plan.environment.mapValues(fill)) { $1 }
    self.init(
      arguments: plan.command.map(fill), environment: environment, user: plan.user,
      workingDirectory: plan.workingDirectory.map(fill) ?? directory, inherited: [])
  }

  /// `masterpool proxy`, with its link and listeners from descriptor 3 on, and behind them our standard output, since its
  /// own is a pipe to our log, its door, and copies of files.
  static func proxy(
    _ executable: String, link: Int32, door: Int32, listeners: [Listener], copies: [Int32], runDirectory: String
  ) -> LaunchOrder {
    let numbers = listeners.indices.map { String(4 + $0) }
    let output = Int32(4 + listeners.count)
    var environment = ownEnvironment()
    environment[Remnants.variable] = runDirectory
    return LaunchOrder(
      arguments: [
        executable, "proxy", "--link", "3", "--listeners", numbers.joined(separator: ","), "--output", String(output),
        "--door", String(output + 1),
      ],
      environment: environment, user: nil, workingDirectory: "/",
      inherited: [InheritedDescriptor(descriptor: link, as: 3)]
        + listeners.enumerated().map { InheritedDescriptor(descriptor: $1.descriptor, as: Int32(4 + $0)) }
        + [
          InheritedDescriptor(descriptor: STDOUT_FILENO, as: output),
          InheritedDescriptor(descriptor: door, as: output + 1),
        ] + copies.enumerated().map { InheritedDescriptor(descriptor: $1, as: output + 2 + Int32($0)) })
  }
}

/// Without the service manager's words, which are for the supervisor alone.
func ownEnvironment() -> [String: String] {
  var variables: [String: String] = [:]
  var next = environ
  while let entry = next.pointee {
    let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
    next += 1
  }
  for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
    variables[name] = nil
  }
  return variables
}
