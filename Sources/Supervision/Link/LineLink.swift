import CLinux
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// The supervisor's end of a socket to one process of its own: orders out, with descriptors where they need some, and
/// reports in, one JSON message a line, each in order.
final class LineLink<Order: Encodable & Sendable, Report: Decodable & Sendable>: Sendable {
  /// What the process says, to the end of the link.
  let reports: AsyncStream<Report>
  private let descriptor: Int32
  private let writing = DispatchQueue(label: "masterpool.link.write")
  private let isOver = Atomic<Bool>(false)

  /// - Parameters:
  ///   - maxLineBytes: a longer line is no report.
  ///   - isForeign: the process is of another version: what is not understood is passed over.
  init(descriptor: Int32, maxLineBytes: Int, isForeign: Bool = false) {
    self.descriptor = descriptor
    var timeout = linkWriteTimeout
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    let (stream, continuation) = AsyncStream<Report>.makeStream()
    reports = stream
    let lines = LineReader<Report>(descriptor: descriptor, maxLineBytes: maxLineBytes, isForeign: isForeign)
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

  /// Queued and sent in order; the descriptors are the link's own from now on. A link that cannot take it is shut down,
  /// which ends `reports`.
  func send(_ order: Order, handing descriptors: [Int32] = []) {
    writing.async { [self] in
      defer { descriptors.forEach { close($0) } }
      guard isOpen, var line = try? JSONEncoder().encode(order) else { return }
      line.append(UInt8(ascii: "\n"))
      if !line.withUnsafeBytes({ sendAll($0, handing: descriptors) }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }

  /// Nothing is to be said any more, by either side.
  func end() { writing.async { [self] in if isOpen { shutdown(descriptor, Int32(SHUT_RDWR)) } } }

  /// Asked in the writing queue: once it is over, the number may be another file's.
  private var isOpen: Bool { !isOver.load(ordering: .sequentiallyConsistent) }

  /// The descriptors go with the first bytes.
  private func sendAll(_ bytes: UnsafeRawBufferPointer, handing descriptors: [Int32]) -> Bool {
    var rest = bytes
    var handed = descriptors
    while !rest.isEmpty {
      let count = clinux_send_descriptors(descriptor, rest.baseAddress, rest.count, handed, handed.count)
      guard count > 0 else { return false }
      handed = []
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }
}

/// A process that does not read for so long is not going to.
let linkWriteTimeout = timeval(tv_sec: 5, tv_usec: 0)

/// A link's two ends, closed on exec.
///
/// - Parameter whose: for the failure's words.
func makeLinkEnds(whose: String) throws(SpawnFailure) -> (ours: Int32, theirs: Int32) {
  var ends: [Int32] = [-1, -1]
  guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
    throw .failed(stage: "making the \(whose)'s link", errno: errno)
  }
  return (ends[0], ends[1])
}

/// The bytes of a link, cut into messages. Used by the watch's thread alone.
private final class LineReader<Report: Decodable>: @unchecked Sendable {
  private let descriptor: Int32
  private let maxLineBytes: Int
  private let isForeign: Bool
  private var pending: [UInt8] = []
  private(set) var hasEnded = false

  init(descriptor: Int32, maxLineBytes: Int, isForeign: Bool) {
    self.descriptor = descriptor
    self.maxLineBytes = maxLineBytes
    self.isForeign = isForeign
  }

  /// What has arrived; a line that is too long or no message ends the link.
  func read() -> [Report] {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) { hasEnded = true }
      return []
    }
    pending += buffer[..<count]
    var reports: [Report] = []
    var start = 0
    while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let report = try? JSONDecoder().decode(Report.self, from: Data(pending[start..<end]))
      guard report != nil || isForeign else {
        hasEnded = true
        return reports
      }
      if let report { reports.append(report) }
      start = end + 1
    }
    pending.removeFirst(start)
    if pending.count > maxLineBytes { hasEnded = true }
    return reports
  }
}
