import ArgumentParser
import CLinux
import Foundation
import Glibc

/// What it serves, and how it misbehaves as a parent.
struct Parenthood: ParsableArguments {
  @Option(help: "Load this file at the start and tell its first line as X-Code; one that says `broken` is.")
  var code: String?
  @Option(help: "As a parent: exit with 1 as long as this file exists.") var parentCrashWhile: String?
  @Option(help: "As a parent: never say ready as long as this file exists.") var parentDeafWhile: String?
  @Option(help: "As a parent: answer nothing as long as this file exists.") var parentMuteWhile: String?
  @Option(help: "As a parent: refuse to fork as long as this file exists.") var parentUnableWhile: String?

  private static let loaded = "STUB_CODE"

  /// A worker that was forked has what its parent loaded.
  func load() throws {
    guard let code, getenv(Self.loaded) == nil else { return }
    let text = try String(contentsOfFile: code, encoding: .utf8).split(separator: "\n").first ?? ""
    guard text != "broken" else { throw Broken(code: code) }
    setenv(Self.loaded, String(text), 1)
  }

  static var version: String? { getenv(loaded).map { String(cString: $0) } }

  struct Broken: Error, CustomStringConvertible {
    var code: String
    var description: String { "\(code) is broken" }
  }
}

/// The warm parent of stubs: one thread, so that it may fork without exec.
struct StubParent {
  private var link: CInt = 3
  private let door: CInt?
  private let habits: Parenthood
  private let environment: String?
  private var pending: [UInt8] = []
  private var handed: [CInt] = []

  static var isMeant: Bool { getenv("MASTERPOOL_PARENT_FD") != nil }

  /// The arguments of its own life; those for others are theirs to read.
  static func serve(_ arguments: [String]) -> [String] {
    signal(SIGPIPE, SIG_IGN)
    var own: [String] = []
    for (index, word) in arguments.enumerated() where index + 1 < arguments.count {
      if word.hasPrefix("--parent-") || word == "--code" { own += [word, arguments[index + 1]] }
    }
    var parent = StubParent(habits: (try? Parenthood.parse(own)) ?? Parenthood())
    return parent.run()
  }

  private init(habits: Parenthood) {
    self.habits = habits
    environment = getenv("MASTERPOOL_DEPLOY_ENVIRONMENT").map { String(cString: $0) }
    door = getenv("MASTERPOOL_PARENT_DOOR_FD").flatMap { CInt(String(cString: $0)) }
    unsetenv("MASTERPOOL_PARENT_FD")
  }

  /// Comes back in workers alone.
  private mutating func run() -> [String] {
    if exists(habits.parentCrashWhile) { exit(1) }
    while exists(habits.parentDeafWhile) { pause(for: Milliseconds(20)) }
    do { try habits.load() } catch {
      tell(["report": "failed", "why": "\(error)\(environment.map { " in \($0)" } ?? "")"])
      exit(70)
    }
    while true {
      tell(["report": "ready"])
      if let arguments = serve() { return arguments }
      // Another supervisor, or the end.
      guard let door else { exit(0) }
      close(link)
      handed.forEach { close($0) }
      (handed, pending) = ([], [])
      link = accept(door, nil, nil)
      guard link >= 0 else { exit(0) }
    }
  }

  /// Nil at the end of the link.
  private mutating func serve() -> [String]? {
    while let order = receive() {
      while exists(habits.parentMuteWhile) { pause(for: Milliseconds(20)) }
      switch order["command"] as? String {
      case "ping": tell(["report": "alive"])
      case "fork":
        if let arguments = fork(order) { return arguments }
      default: break
      }
    }
    return nil
  }

  private func exists(_ file: String?) -> Bool { file.map { access($0, F_OK) == 0 } ?? false }

  /// Nil in the parent.
  private mutating func fork(_ order: [String: Any]) -> [String]? {
    let descriptors = Array(handed.prefix(2))
    handed.removeFirst(descriptors.count)
    let worker = order["worker"] as? String ?? ""
    guard descriptors.count == 2, !exists(habits.parentUnableWhile) else {
      descriptors.forEach { close($0) }
      tell(["report": "failed", "worker": worker, "why": "told not to"])
      return nil
    }
    var ends: [CInt] = [-1, -1]
    clinux_pipe(&ends)
    let middle = systemFork()
    if middle == 0 {
      var pid = systemFork()
      guard pid == 0 else {
        setpgid(pid, pid)
        write(ends[1], &pid, MemoryLayout<pid_t>.size)
        _exit(0)
      }
      return become(order, output: descriptors[0], lease: descriptors[1])
    }
    close(ends[1])
    var pid: pid_t = 0
    read(ends[0], &pid, MemoryLayout<pid_t>.size)
    close(ends[0])
    waitpid(middle, nil, 0)
    descriptors.forEach { close($0) }
    tell(["report": "forked", "worker": worker, "pid": Int(pid)])
    return nil
  }

  private func become(_ order: [String: Any], output: CInt, lease: CInt) -> [String] {
    var go: UInt8 = 0
    guard read(lease, &go, 1) == 1 else { _exit(0) }
    dup2(output, STDOUT_FILENO)
    dup2(output, STDERR_FILENO)
    for descriptor: CInt in 3..<256 { close(descriptor) }
    let code = Parenthood.version
    clearenv()
    for (name, value) in order["environment"] as? [String: String] ?? [:] { setenv(name, value, 1) }
    if let code { setenv("STUB_CODE", code, 1) }
    setenv("STUB_BORN", "forked", 1)
    chdir(order["working_directory"] as? String ?? "/")
    return Array((order["arguments"] as? [String] ?? []).dropFirst())
  }

  private mutating func receive() -> [String: Any]? {
    while true {
      if let end = pending.firstIndex(of: 10) {
        let line = Data(pending[..<end])
        pending.removeFirst(end + 1)
        return (try? JSONSerialization.jsonObject(with: line)) as? [String: Any] ?? [:]
      }
      var buffer = [UInt8](repeating: 0, count: 65536)
      var room = [CInt](repeating: -1, count: Int(CLINUX_MAX_PASSED))
      var count = 0
      let received = clinux_receive_descriptors(link, &buffer, buffer.count, &room, &count)
      if received < 0 && errno == EINTR { continue }
      guard received > 0 else { return nil }
      handed += room.prefix(count)
      pending += buffer.prefix(received)
    }
  }

  private func tell(_ report: [String: Any]) {
    guard var line = try? JSONSerialization.data(withJSONObject: report) else { return }
    line.append(10)
    _ = line.withUnsafeBytes { write(link, $0.baseAddress, $0.count) }
  }

  /// Swift hides it, since threads do not survive it; there are none.
  private func systemFork() -> pid_t {
    typealias Fork = @convention(c) () -> pid_t
    guard let symbol = dlsym(nil, "fork") else { return -1 }
    return unsafeBitCast(symbol, to: Fork.self)()
  }
}
