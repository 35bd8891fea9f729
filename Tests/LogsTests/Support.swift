import CLinux
import Foundation
import Glibc
import Pool
import TestSupport

@testable import Logs

/// A pipe in the place of standard error.
final class LogPipe: Sendable {
  let input: Int32
  private let output: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    guard clinux_pipe(&ends) == 0 else { throw HarnessFailure("pipe: \(errno)") }
    (output, input) = (ends[0], ends[1])
  }

  deinit {
    close(input)
    close(output)
  }

  func pump(_ policy: LogPolicy) -> LogPump {
    LogPump(policy, outlet: LogOutlet(descriptor: input, journalStream: nil)) { "2026-11-23T13:49:59.999Z" }
  }

  /// What is there now, or comes next.
  func read() throws -> String {
    var room = [UInt8](repeating: 0, count: 1 << 16)
    let count = Glibc.read(output, &room, room.count)
    guard count > 0 else { throw HarnessFailure("read: \(errno)") }
    return String(decoding: room[..<count], as: UTF8.self)
  }

  /// Lines of JSON, until so many were written or are told to be lost.
  func readAll(_ count: Int) throws -> (whole: Int, lost: Int) {
    var text = ""
    var (whole, lost) = (0, 0)
    while whole + lost < count {
      text += try read()
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      for line in lines.dropLast() {
        let members = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        if let missing = members?["lines_lost"] as? Int { lost += missing } else { whole += 1 }
      }
      text = String(lines.last ?? "")
    }
    return (whole, lost)
  }
}

/// A socket that takes what systemd-journald would.
final class FakeJournal: Sendable {
  let path: String
  private let descriptor: Int32

  init(path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw HarnessFailure("bind: \(errno)") }
    var patience = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  func end() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    unlink(path)
  }

  deinit { close(descriptor) }

  /// A message, as it came or out of the sealed file that came in its place.
  func next() throws -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 1 << 20)
    var files = [Int32](repeating: -1, count: Int(CLINUX_MAX_PASSED))
    var fileCount = 0
    let count = clinux_receive_descriptors(descriptor, &room, room.count, &files, &fileCount)
    guard count >= 0 else { throw HarnessFailure("receive: \(errno)") }
    guard fileCount == 1 else { return Array(room[..<count]) }
    defer { close(files[0]) }
    // F_GET_SEALS, which Glibc's module leaves out; all four are what the journal asks for.
    let seals = fcntl(files[0], 1024 + 10)
    guard count == 0, seals == 0xF else {
      throw HarnessFailure("\(count) bytes, seals \(seals)")
    }
    let size = pread(files[0], &room, room.count, 0)
    return Array(room[..<max(0, size)])
  }
}
