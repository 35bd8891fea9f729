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
  init(_ plan: LaunchPlan, worker id: WorkerID, directory: String, endpoint: Endpoint) {
    func fill(_ text: String) -> String {
      var text = text
      switch endpoint {
      case .unix(let path): text.replace("{socket}", with: path)
      case .tcp(let port): text.replace("{port}", with: String(port))
      }
      text.replace("{slot}", with: directory)
      text.replace("{index}", with: String(id.slot.index))
      text.replace("{generation}", with: String(id.generation.rawValue))
      text.replace("{pool}", with: id.pool.rawValue)
      return text
    }
    var environment = ownEnvironment()
    environment["HOME"] = directory
    environment[Self.workerVariable] = id.description
    for (key, value) in plan.environment { environment[key] = fill(value) }
    self.init(
      arguments: plan.command.map(fill), environment: environment, user: plan.user,
      workingDirectory: plan.workingDirectory.map(fill) ?? directory, inherited: [])
  }

  /// `masterpool proxy`, with its link and listeners from descriptor 3 on, and our standard output behind them: its own
  /// is a pipe to our log.
  static func proxy(_ executable: String, link: Int32, listeners: [Listener]) -> LaunchOrder {
    let numbers = listeners.indices.map { String(4 + $0) }
    let output = Int32(4 + listeners.count)
    return LaunchOrder(
      arguments: [
        executable, "proxy", "--link", "3", "--listeners", numbers.joined(separator: ","), "--output", String(output),
      ],
      environment: ownEnvironment(), user: nil, workingDirectory: "/",
      inherited: [InheritedDescriptor(descriptor: link, as: 3)]
        + listeners.enumerated().map { InheritedDescriptor(descriptor: $1.descriptor, as: Int32(4 + $0)) }
        + [InheritedDescriptor(descriptor: STDOUT_FILENO, as: output)])
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
