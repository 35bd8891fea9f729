import CLinux
import Dispatch
import FoundationEssentials
import Glibc
import Pool

/// What came of knocking at a proxy's door.
struct JoinedProxy: Sendable {
  /// Nil: it speaks another version of the link, so that only its listeners can be used.
  var link: ProxyLink?
  /// Its listening sockets, in the order of its configuration; the caller's from now on.
  var listeners: [Int32]
}

/// A living proxy greets at once.
private let greetingPatience = timeval(tv_sec: 5, tv_usec: 0)
private let maxGreetingBytes = 4096

/// The link to a proxy that another supervisor has started.
extension LineLink where Order == ProxyCommand, Report == ProxyReport {
  /// - Parameters:
  ///   - pid: whose door it is thought to be.
  ///   - isForeign: its program is of another version than ours.
  /// - Returns: nil where nobody answers as a proxy does.
  static func join(door path: String, pid: Int32, isForeign: Bool) async -> JoinedProxy? {
    await withCheckedContinuation { continuation in
      DispatchQueue(label: "masterpool.link.join").async {
        continuation.resume(returning: knock(path, pid, isForeign))
      }
    }
  }

  private static func knock(_ path: String, _ pid: Int32, _ isForeign: Bool) -> JoinedProxy? {
    guard let socket = connectUnix(path, timeout: linkWriteTimeout) else { return nil }
    var patience = greetingPatience
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var listeners: [Int32] = []
    guard let line = receiveGreeting(socket, &listeners),
      let greeting = try? JSONDecoder().decode(ProxyReport.self, from: Data(line)),
      case .hello(let version, let speaker) = greeting, speaker == pid
    else {
      for descriptor in listeners + [socket] { close(descriptor) }
      return nil
    }
    guard version == Link.version else {
      close(socket)
      return JoinedProxy(link: nil, listeners: listeners)
    }
    var forever = timeval()
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &forever, socklen_t(MemoryLayout<timeval>.size))
    return JoinedProxy(link: ProxyLink(proxy: socket, isForeign: isForeign), listeners: listeners)
  }

  /// The first line without its end, and the descriptors that came with it. Byte by byte: what follows is the link's.
  private static func receiveGreeting(_ socket: Int32, _ listeners: inout [Int32]) -> [UInt8]? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    var descriptors = [Int32](repeating: -1, count: Int(CLINUX_MAX_PASSED))
    while line.count < maxGreetingBytes {
      var found = 0
      let count = clinux_receive_descriptors(socket, &byte, 1, &descriptors, &found)
      listeners += descriptors[..<found]
      guard count > 0 else { return nil }
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
    }
    return nil
  }
}
