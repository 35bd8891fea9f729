import Foundation
import Glibc
import Pool
import TestSupport
import Testing

/// Where the lines go, and that nothing there holds up a request.
@Suite struct AccessSinkTests {
  private func askOften(_ count: Int, at address: Address, first: Int = 0) async throws {
    try await agent(at: address) { agent in
      for number in 0..<count {
        let response = try agent.ask("GET", "/\(first + number)")
        #expect(response.status == 200)
      }
    }
  }

  @Test func losesNoLineWhenTheFileIsRenamedUnderLoad() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/access.log"
      var arrangement = Arrangement()
      arrangement.threads = 2
      arrangement.concurrency = 4
      arrangement.accessLog = AccessLogConfiguration(destination: .file(path: path))
      try await withProxy(arrangement, workers: [echo, echo]) { proxy, _ in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for client in 0..<4 { group.addTask { try await askOften(500, at: proxy.address, first: client * 1000) } }
          for turn in 1...5 {
            _ = try await proxy.counters("lines") { $0.accessLinesTotal >= turn * 200 }
            if rename(path, "\(path).\(turn)") == 0 { proxy.send(.reopenLogs) }
          }
          try await group.waitForAll()
        }
      }
      let files = [path] + (1...5).map { "\(path).\($0)" }
      let lines = try files.flatMap { try LogLine.all(in: text(ofFile: $0) ?? "") }
      #expect(lines.count == 2000)
      #expect(Set(lines.map(\.path)).count == 2000)
      #expect(Set(lines.map(\.id)).count == 2000)
      #expect(text(ofFile: "\(path).1") != nil)
    }
  }

  @Test func waitsForAFolderThatIsMissing() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/later/access.log"
      var arrangement = Arrangement()
      arrangement.accessLog = AccessLogConfiguration(destination: .file(path: path))
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        try await askOften(10, at: proxy.address)
        mkdir("\(folder)/later", 0o755)
        _ = try await untilSome("the lines") { text(ofFile: path).map { $0.split(separator: "\n").count } ?? 0 == 10 }
        let counters = try await proxy.counters("all lines") { $0.accessLinesTotal == 10 }
        #expect(counters.accessLinesDroppedTotal == 0)
      }
    }
  }

  /// A write that finds no space on the disk is tried again, and nothing is lost while the buffer has room.
  @Test func waitsForSpaceOnAFullDisk() async throws {
    try await withTemporaryDirectory { folder in
      let (path, file) = ("\(folder)/access.log", "\(folder)/elsewhere.log")
      #expect(symlink("/dev/full", path) == 0)
      var arrangement = Arrangement()
      arrangement.accessLog = AccessLogConfiguration(destination: .file(path: path))
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        try await askOften(10, at: proxy.address)
        let counters = try await proxy.counters("all lines") { $0.accessLinesTotal == 10 }
        #expect(counters.accessLinesDroppedTotal == 0)
        #expect(symlink(file, "\(path).new") == 0)
        #expect(rename("\(path).new", path) == 0)
        _ = try await untilSome("the lines") { text(ofFile: file).map { $0.split(separator: "\n").count } ?? 0 == 10 }
      }
      let lines = try LogLine.all(in: text(ofFile: file) ?? "")
      let asked = (0..<10).map { "/\($0)" }
      #expect(lines.map(\.path) == asked)
    }
  }

  /// A fifo with no reader cannot be opened; one whose reader does not read fills.
  @Test(arguments: [false, true]) func servesOnWhenNobodyTakesTheLines(_ hasReader: Bool) async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/access.fifo"
      #expect(mkfifo(path, 0o600) == 0)
      let reader = hasReader ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1
      defer { if reader >= 0 { close(reader) } }
      var arrangement = Arrangement()
      arrangement.accessLog = AccessLogConfiguration(
        destination: .file(path: path), buffer: .kibibytes(64), maxField: ByteCount(bytes: 256))
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        try await askOften(2500, at: proxy.address)
        let counters = try await proxy.counters("dropped lines") {
          $0.accessLinesDroppedTotal > 0 && $0.requestsTotal == 2500 && $0.requestsInFlight == 0
        }
        #expect(counters.accessLinesTotal + counters.accessLinesDroppedTotal == 2500)
      }
    }
  }

  @Test func speaksToASyslogDaemonAndItsSuccessor() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/log.sock"
      var daemon = try Datagrams(at: path)
      var arrangement = Arrangement()
      arrangement.accessLog = AccessLogConfiguration(destination: .syslog(socket: path, facility: .local3))
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        try await askOften(3, at: proxy.address)
        let first = try await daemon.take(3)
        for (number, text) in first.enumerated() {
          // local3.info: 19 × 8 + 6.
          let match = try #require(
            text.wholeMatch(of: #/<158>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d masterpool\[\d+\]: (\{.*\})/#))
          #expect(match.output.1.contains("\"path\":\"/\(number)\""))
        }
        daemon.end()
        daemon = try Datagrams(at: path)
        try await askOften(3, at: proxy.address, first: 10)
        let second = try await daemon.take(3)
        #expect(second.last?.contains("\"path\":\"/12\"") == true)
      }
      daemon.end()
    }
  }

  @Test func writesToStandardOutputByAWayOfItsOwn() async throws {
    var ends: [CInt] = [-1, -1]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var arrangement = Arrangement()
    arrangement.output = writing
    arrangement.accessLog = AccessLogConfiguration(destination: .standardOutput)
    try await withProxy(arrangement, worker: echo) { proxy, _ in
      async let text = onThread { () -> String in
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        while bytes.count(where: { $0 == 10 }) < 400 {
          let count = read(reading, &room, room.count)
          guard count > 0 else { break }
          bytes += room[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
      }
      try await askOften(400, at: proxy.address)
      let lines = try LogLine.all(in: try await text)
      let asked = (0..<400).map { "/\($0)" }
      #expect(lines.map(\.path) == asked)
      // What others see of it blocks as before.
      #expect(fcntl(writing, F_GETFL) & O_NONBLOCK == 0)
    }
    close(reading)
    close(writing)
  }
}

/// Asks again until it is so, for what sends no event.
private func untilSome(_ waitedFor: String, _ isSo: () -> Bool) async throws {
  let deadline = Deadline.patient
  while !isSo() {
    guard !deadline.passed else { throw TimedOut(waitedFor) }
    try await Task.sleep(for: .milliseconds(50))
  }
}

/// A syslog daemon's socket.
private struct Datagrams: Sendable {
  private let descriptor: CInt
  private let path: String

  init(at path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, bindUnix(descriptor, path) else { throw SystemFailure("bind") }
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  func take(_ count: Int) async throws -> [String] {
    let descriptor = descriptor
    return try await onThread {
      var room = [UInt8](repeating: 0, count: 65536)
      return try (0..<count).map { _ in
        let count = recv(descriptor, &room, room.count, 0)
        guard count > 0 else { throw SystemFailure("recv") }
        return String(decoding: room[..<count], as: UTF8.self)
      }
    }
  }

  func end() {
    close(descriptor)
    unlink(path)
  }
}
