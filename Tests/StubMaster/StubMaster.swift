import ArgumentParser
import Glibc

/// An HTTP/1.1 master for tests: serves what it is asked for, one request at a time, and misbehaves as it is told,
/// by options for its whole life and by query for one request (see `Orders`).
@main
struct StubMaster: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stub-master", abstract: "An HTTP/1.1 master that misbehaves when it is told to.")

  @OptionGroup var place: Place
  @OptionGroup var birth: Birth
  @OptionGroup var habits: Habits
  @OptionGroup var caches: Caches
  @OptionGroup var parenthood: Parenthood

  @Flag(help: "Answer /small, /16k and /1m as cheaply as possible, for benchmarks; nothing else is served.")
  var bench = false

  /// As a worker, by itself or forked from a parent; or as that parent.
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    main(StubParent.isMeant ? StubParent.serve(arguments) : arguments)
  }

  func validate() throws {
    guard (place.socket == nil) != (place.port == nil) else {
      throw ValidationError("give --socket PATH or --port N, and not both")
    }
    guard (1...256).contains(place.concurrency) else {
      throw ValidationError("--concurrency is \(place.concurrency); use 1…256")
    }
  }

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    // Seen by who looks for what runs twice: a worker that was forked has its parent's environment in /proc.
    place.name(itself: "/proc/self/comm")
    let lifecycle = Lifecycle(stubborn: habits.stubborn)
    try birth.suffer()
    try parenthood.load()
    try habits.spawnGrandchildren()
    let found = caches.visit(as: place)
    let listener = try place.listen()
    if bench {
      BenchOrigin(listener: listener).serve()
    } else {
      let stub = Stub(place: place, habits: habits, caches: caches, found: found, lifecycle: lifecycle)
      stub.serve(on: listener)
    }
  }
}

/// Who it is and where it listens.
struct Place: ParsableArguments {
  @Option(help: "Listen on this unix socket.") var socket: String?
  @Option(help: "Listen on this loopback port.") var port: UInt16?
  @Option(help: "Its pool's name, for X-Worker.") var pool = "stub"
  @Option(help: "Its slot's index, for X-Worker.") var slot = 0
  @Option(help: "Its generation, for X-Worker.") var generation = 1
  @Option(help: "Connections served at once, one request at a time in each.") var concurrency = 1

  /// `masters/0#3`
  var name: String { "\(pool)/\(slot)#\(generation)" }
  /// The same as a file name: `masters-0-3`.
  var fileName: String { "\(pool)-\(slot)-\(generation)" }

  func name(itself path: String) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    write(descriptor, name, name.utf8.count)
    close(descriptor)
  }

  func listen() throws -> CInt {
    let backlog: CInt = 512
    if let socket {
      unlink(socket)
      let listener = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let capacity = MemoryLayout.size(ofValue: address.sun_path)
      guard socket.utf8.count < capacity else { throw ValidationError("\(socket) is too long for a socket's path") }
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socket.utf8) }
      try bind(listener, to: address, named: socket)
      try check(Glibc.listen(listener, backlog), "listen on \(socket)")
      return listener
    }
    let listener = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var on: CInt = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = (port ?? 0).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    try bind(listener, to: address, named: "port \(port ?? 0)")
    try check(Glibc.listen(listener, backlog), "listen on port \(port ?? 0)")
    return listener
  }

  private func bind<Address>(_ listener: CInt, to address: Address, named name: String) throws {
    let result = withUnsafeBytes(of: address) { bytes -> CInt in
      guard let base = bytes.baseAddress else { return -1 }
      return Glibc.bind(listener, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    try check(result, "bind \(name)")
  }

  private func check(_ result: CInt, _ what: String) throws {
    guard result != 0 else { return }
    throw ValidationError("cannot \(what): \(String(cString: strerror(errno)))")
  }
}

/// What goes wrong before it listens.
struct Birth: ParsableArguments {
  @Option(help: "Be this slow before listening, such as 500ms.") var boot = Milliseconds(0)
  @Option(help: "Exit with 1 at the start as long as this file exists.") var crashWhile: String?
  @Option(help: "Never listen as long as this file exists.") var deafWhile: String?

  func suffer() throws {
    if boot.count > 0 { pause(for: boot) }
    if let crashWhile, access(crashWhile, F_OK) == 0 {
      say("stub-master: told to crash by \(crashWhile)", to: STDERR_FILENO)
      throw ExitCode(1)
    }
    while let deafWhile, access(deafWhile, F_OK) == 0 { pause(for: Milliseconds(50)) }
  }
}

/// How it behaves for its whole life.
struct Habits: ParsableArguments {
  @Flag(help: "Ignore SIGTERM.") var stubborn = false
  @Option(help: "Answer probes on /status with 503 as long as this file exists.") var sickWhile: String?
  @Option(help: "Answer probes with 503 after so many requests.") var failProbesAfter: Int?
  @Option(help: "Really use so much more memory with each request, such as 1MiB.") var leak = ByteSize(0)
  @Option(help: "Be this slow with each request.") var slow = Milliseconds(0)
  @Option(help: "Append one line for each request, `METHOD TARGET`, to this file.") var journal: String?
  @Option(help: "Leave a child that ignores SIGTERM: `group`, or `session` for one in a session of its own.")
  var grandchild: [Grandchild] = []

  enum Grandchild: String, ExpressibleByArgument { case group, session }

  func spawnGrandchildren() throws {
    for kind in grandchild {
      let sleeper =
        switch kind {
        case .group: "exec sleep 3600"
        case .session: "exec setsid sleep 3600"
        }
      let words = ["/bin/sh", "-c", "trap '' TERM HUP INT; \(sleeper)"]
      var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) }
      defer { arguments.forEach { free($0) } }
      arguments.append(nil)
      var child: pid_t = 0
      guard posix_spawn(&child, "/bin/sh", nil, nil, arguments, environ) == 0 else {
        throw ValidationError("cannot start a grandchild")
      }
    }
  }
}

/// Folders in which it leaves files, as a master caches catalogs.
struct Caches: ParsableArguments {
  @Option(help: "Cache in this folder: note what an earlier one left, then leave a file. May be repeated.")
  var cache: [String] = []

  /// Writes its own file into each folder; the names that were there before.
  func visit(as place: Place) -> [String] {
    var found: [String] = []
    for folder in cache {
      mkdir(folder, 0o755)
      found += names(in: folder)
      leave(1, in: folder, named: place.fileName)
    }
    return found
  }

  func leave(_ count: Int, in folder: String, named name: String) {
    for index in 0..<count {
      guard let file = fopen("\(folder)/\(name)\(index == 0 ? "" : "-\(index)").cache", "w") else { continue }
      fputs("cached by \(name)\n", file)
      fclose(file)
    }
  }

  func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
