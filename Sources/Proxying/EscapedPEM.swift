import COpenSSL

/// A certificate's PEM text as one percent-encoded line, as other fronts write it for Puppet's masters.
enum EscapedPEM {
  private static let begin: StaticString = "-----BEGIN%20CERTIFICATE-----%0A"
  private static let end: StaticString = "-----END%20CERTIFICATE-----%0A"
  /// A line of PEM.
  private static let bytesPerLine = 48

  /// Straight from the certificate's own bytes: this is done for each request that goes to a worker, and text made
  /// letter by letter would cost more than the rest of it. Nil where it does not fit, or memory is short.
  static func write(_ certificate: OpaquePointer, into room: UnsafeMutableBufferPointer<UInt8>) -> Int? {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(certificate, &bytes)
    guard count > 0, let bytes else { return nil }
    defer { CRYPTO_free(bytes, #file, #line) }
    return write(UnsafeBufferPointer(start: bytes, count: Int(count)), into: room)
  }

  /// Whether it fits for sure, without a look at its bytes: of every symbol's one to three letters, three.
  static func surelyFits(_ certificate: OpaquePointer, into room: Int) -> Bool {
    let count = Int(i2d_X509(certificate, nil))
    guard count > 0, count < room else { return false }
    let lines = (count + bytesPerLine - 1) / bytesPerLine
    return (count + 2) / 3 * 12 + lines * 3 + begin.utf8CodeUnitCount + end.utf8CodeUnitCount <= room
  }

  static func write(_ der: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableBufferPointer<UInt8>) -> Int? {
    var out = Output(room)
    out.add(begin)
    var start = 0
    while start < der.count {
      let stop = min(der.count, start + bytesPerLine)
      out.addLine(UnsafeBufferPointer(rebasing: der[start..<stop]))
      start = stop
    }
    out.add(end)
    return out.count <= room.count ? out.count : nil
  }

  private struct Output {
    private let room: UnsafeMutableBufferPointer<UInt8>
    /// Also of what has no room.
    private(set) var count = 0

    init(_ room: UnsafeMutableBufferPointer<UInt8>) { self.room = room }

    @inline(__always) mutating func add(_ byte: UInt8) {
      if count < room.count { room[count] = byte }
      count += 1
    }

    mutating func add(_ text: StaticString) {
      for byte in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount) { add(byte) }
    }

    mutating func addLine(_ bytes: UnsafeBufferPointer<UInt8>) {
      var index = 0
      while index < bytes.count {
        let left = bytes.count - index
        var bits = UInt32(bytes[index]) << 16
        if left > 1 { bits |= UInt32(bytes[index + 1]) << 8 }
        if left > 2 { bits |= UInt32(bytes[index + 2]) }
        addSymbol(bits >> 18)
        addSymbol(bits >> 12)
        if left > 1 { addSymbol(bits >> 6) } else { add("%3D") }
        if left > 2 { addSymbol(bits) } else { add("%3D") }
        index += 3
      }
      add("%0A")
    }

    @inline(__always) private mutating func addSymbol(_ bits: UInt32) {
      let value = UInt8(truncatingIfNeeded: bits & 63)
      switch value {
      case 0..<26: add(UInt8(ascii: "A") + value)
      case 26..<52: add(UInt8(ascii: "a") + (value - 26))
      case 52..<62: add(UInt8(ascii: "0") + (value - 52))
      case 62: add("%2B")
      default: add("%2F")
      }
    }
  }
}
