import Dispatch
import FoundationEssentials
import Glibc
import Pool
import Synchronization

/// The supervisor's end of the link to one proxy: commands out, reports in, one JSON message a line, each in order.
final class ProxyLink: Sendable {
  /// What the proxy says, to the end of the link.
  let reports: AsyncStream<ProxyReport>
  private let descriptor: Int32
  private let writing = DispatchQueue(label: "masterpool.link.write")
  private let isOver = Atomic<Bool>(false)
  /// A proxy that does not read for so long is not going to.
  private static let writeTimeout = timeval(tv_sec: 5, tv_usec: 0)

  /// The link and the proxy's end of it, which the caller passes on and closes.
  static func make() throws(SpawnFailure) -> (ProxyLink, proxyEnd: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw .failed(stage: "making the proxy's link", errno: errno)
    }
    var timeout = writeTimeout
    setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    return (ProxyLink(descriptor: ends[0]), ends[1])
  }

  private init(descriptor: Int32) {
    self.descriptor = descriptor
    let (stream, continuation) = AsyncStream<ProxyReport>.makeStream()
    reports = stream
    let lines = LinkReader(descriptor: descriptor)
    _ = ReadableWatch.shared.add(
      descriptor,
      onReadable: {
        for report in lines.read() { continuation.yield(report) }
        return lines.hasEnded ? .done : .again
      },
      onEnd: {
        self.isOver.store(true, ordering: .sequentiallyConsistent)
        continuation.finish()
        // After the last write that is under way, so that the number is not another file's by then.
        self.writing.async { close(descriptor) }
      })
  }

  /// Queued and sent in order; a link that cannot take it is shut down, which ends `reports`.
  func send(_ command: ProxyCommand) {
    writing.async { [self] in
      guard !isOver.load(ordering: .sequentiallyConsistent), var line = try? JSONEncoder().encode(command) else {
        return
      }
      line.append(UInt8(ascii: "\n"))
      let sent = line.withUnsafeBytes { bytes in
        var rest = bytes
        while !rest.isEmpty {
          let count = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { return false }
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return true
      }
      if !sent { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }
}

/// The bytes of a link, cut into messages. Used by the watch's thread alone.
private final class LinkReader: @unchecked Sendable {
  private let descriptor: Int32
  private var pending: [UInt8] = []
  private(set) var hasEnded = false

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// What has arrived; a line that is too long or no message ends the link.
  func read() -> [ProxyReport] {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) { hasEnded = true }
      return []
    }
    pending += buffer[..<count]
    var reports: [ProxyReport] = []
    var start = 0
    while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
      guard let report = try? JSONDecoder().decode(ProxyReport.self, from: Data(pending[start..<end])) else {
        hasEnded = true
        return reports
      }
      reports.append(report)
      start = end + 1
    }
    pending.removeFirst(start)
    if pending.count > Link.maxLineBytes { hasEnded = true }
    return reports
  }
}
