import Glibc
import Pool
import Testing
import TestSupport

@testable import Supervision

@Suite struct ServiceNotifierTests {
  @Test(arguments: [false, true])
  func theManagerHearsWhatIsSaid(isAbstract: Bool) async throws {
    try await withTemporaryDirectory { folder in
      let path = isAbstract ? "@masterpool-test-\(getpid())" : "\(folder)/notify"
      let socket = try bindDatagram(path)
      defer { close(socket) }
      let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": path])
      notifier.ready()
      notifier.status("two\nlines")
      notifier.watchdog()
      notifier.reloading(at: Instant(nanoseconds: 5_000_999))
      notifier.stopping()
      let heard = (0..<5).map { _ in receive(socket) }
      #expect(
        heard == [
          "READY=1", "STATUS=two lines", "WATCHDOG=1", "RELOADING=1\nMONOTONIC_USEC=5000", "STOPPING=1",
        ])
    }
  }

  @Test func withoutAManagerNothingHappens() {
    for path in ["", "/no/such/socket", "vsock:2:1", "@", "relative", "/" + String(repeating: "x", count: 200)] {
      let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": path])
      notifier.ready()
      notifier.watchdog()
    }
    #expect(ServiceNotifier(environment: [:]).watchdogInterval == nil)
  }

  @Test func aManagerThatDoesNotReadIsNotWaitedFor() async throws {
    try await withTemporaryDirectory { folder in
      let socket = try bindDatagram("\(folder)/notify")
      defer { close(socket) }
      let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": "\(folder)/notify"])
      for _ in 0..<5000 { notifier.watchdog() }
      #expect(receive(socket) == "WATCHDOG=1")
    }
  }

  @Test(arguments: [
    (["WATCHDOG_USEC": "30000000"], Duration.seconds(15)),
    (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4711"], .seconds(15)),
    (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "4712"], nil),
    (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "x"], nil),
    (["WATCHDOG_USEC": "1"], .microseconds(1)),
    (["WATCHDOG_USEC": "0"], nil),
    (["WATCHDOG_USEC": "-5"], nil),
    (["WATCHDOG_USEC": "99999999999999999999999"], nil),
    ([:], nil),
  ])
  func theWatchdogIsFedTwiceInItsTime(_ environment: [String: String], _ interval: Duration?) {
    let whole = environment.merging(["NOTIFY_SOCKET": "/run/notify"]) { $1 }
    #expect(ServiceNotifier(environment: whole, pid: 4711).watchdogInterval == interval)
  }

  private func bindDatagram(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    if path.hasPrefix("@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let size = socklen_t(2 + bytes.count + (path.hasPrefix("@") ? 0 : 1))
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    guard descriptor >= 0, result == 0 else { throw SystemFailure("bind") }
    return descriptor
  }

  private func receive(_ socket: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return count < 0 ? "nothing" : String(decoding: buffer[..<count], as: UTF8.self)
  }
}
