import Glibc

/// The one secret that lets someone on the network command.
public struct ControlToken: Sendable, Hashable {
  /// Fewer can be guessed.
  public static let minBytes = 16
  public static let maxBytes = 1024

  private let bytes: [UInt8]

  /// From the file's one line.
  ///
  /// - Throws: why it cannot be used, and what to do.
  public init(file path: String) throws(ControlTokenUnusable) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw ControlTokenUnusable(path, "it cannot be read: \(reason())") }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw ControlTokenUnusable(path, "it is not a regular file")
    }
    // Of the very file that is read, not of what had its name a moment ago.
    guard facts.st_mode & 0o077 == 0 else {
      throw ControlTokenUnusable(
        path, "it is open to its group or to others (mode \(String(facts.st_mode & 0o7777, radix: 8))); chmod 600 it")
    }
    try self.init(Self.contents(descriptor, path), path)
  }

  /// - Parameter text: the file's content.
  init(_ text: [UInt8], _ path: String) throws(ControlTokenUnusable) {
    var line = text[...]
    while let last = line.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { line.removeLast() }
    guard line.allSatisfy(Self.isTokenByte) else {
      throw ControlTokenUnusable(
        path, "it is not one line of letters, digits and -._~+/=; make one: openssl rand -hex 32")
    }
    guard (Self.minBytes...Self.maxBytes).contains(line.count) else {
      throw ControlTokenUnusable(
        path,
        "its token has \(line.count) characters, \(Self.minBytes) to \(Self.maxBytes) are possible; "
          + "make one: openssl rand -hex 32")
    }
    bytes = Array(line)
  }

  /// In a time that does not depend on where they differ.
  func matches(_ offered: some StringProtocol) -> Bool {
    let offered = Array(offered.utf8.prefix(Self.maxBytes + 1))
    var difference = UInt8(offered.count == bytes.count ? 0 : 1)
    for index in bytes.indices {
      difference |= bytes[index] ^ (index < offered.count ? offered[index] : 0)
    }
    return difference == 0
  }

  /// RFC 6750 section 2.1: `b64token`.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~+/=".utf8.contains(byte)
    }
  }

  private static func contents(_ descriptor: Int32, _ path: String) throws(ControlTokenUnusable) -> [UInt8] {
    // Room for one more than may be, so that a longer file is seen to be one.
    var buffer = [UInt8](repeating: 0, count: maxBytes + 3)
    var count = 0
    while count < buffer.count {
      let got = buffer.withUnsafeMutableBytes { room in
        room.baseAddress.map { read(descriptor, $0 + count, room.count - count) } ?? 0
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw ControlTokenUnusable(path, "it cannot be read: \(reason())") }
      if got == 0 { break }
      count += got
    }
    return Array(buffer[..<count])
  }
}

/// Why there is no token: in words, with the file's name.
public struct ControlTokenUnusable: Error, Hashable, CustomStringConvertible {
  public let description: String

  init(_ path: String, _ why: String) { description = "control.token_file \(path): \(why)" }
}

private func reason() -> String {
  let number = errno
  return String(cString: strerror(number))
}
