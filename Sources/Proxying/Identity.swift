import COpenSSL
import Glibc
import HTTPWire
import Pool

/// Who an agent is, as the workers are told and as the routes' rules see it. Rendered once for a connection, freed
/// with it, but for the certificate: as a header it is longer than all the rest, few requests go to a worker, and
/// OpenSSL keeps it as it is.
struct Identity: BitwiseCopyable {
  /// Whole header lines, `Via` first, then the verified name, then the address.
  private var base: UnsafeMutablePointer<UInt8>?
  private var headerCount = 0
  private var nameCount = 0
  private var addressCount = 0
  private(set) var isVerified = false
  /// A hash of the verified name, or of the address; 0 where there is neither.
  private(set) var node: UInt64 = 0

  /// A larger certificate is refused, since its header would not fit beside a request.
  static let maxHeaderBytes = 16 << 10

  init() {}

  var isRendered: Bool { base != nil }
  /// The verified certificate's common name; empty without one.
  var name: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base.map { $0 + headerCount }, count: nameCount)
  }
  /// In numbers, as the log shows it; empty for a unix socket.
  var address: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base.map { $0 + headerCount + nameCount }, count: addressCount)
  }

  /// Without a certificate.
  init(anonymousAt address: PeerAddress, isTLS: Bool, seed: NodeSeed) {
    store(headers: [Self.via, "X-Client-Verify: NONE"] + Self.origin(address, isTLS), name: "", at: address)
    if let text = address.text { node = seed.node(named: text, isVerified: false) }
  }

  /// Nil: the certificate names nobody in a way that can be passed on; its agent is turned away.
  init?(certificate: OpaquePointer, at address: PeerAddress, seed: NodeSeed) {
    guard let name = Self.commonName(certificate), let subject = Self.subject(certificate) else { return nil }
    let headers = [Self.via, "X-Client-Verify: SUCCESS", "X-Client-DN: \(subject)"] + Self.origin(address, true)
    store(headers: headers, name: name, at: address)
    isVerified = true
    node = seed.node(named: name, isVerified: true)
    // Said here, so that no request is refused for it.
    guard fits(certificate) else {
      free()
      return nil
    }
  }

  private func fits(_ certificate: OpaquePointer) -> Bool {
    let rest =
      Self.maxHeaderBytes - headerCount - Self.certificateName.utf8CodeUnitCount - Self.lineEnd.utf8CodeUnitCount
    if EscapedPEM.surelyFits(certificate, into: rest) { return true }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maxHeaderBytes) { room in
      write(.http11, certificate: certificate, into: room) != nil
    }
  }

  private static let certificateName: StaticString = "X-Client-Cert: "
  private static let lineEnd: StaticString = "\r\n"

  /// The header lines of a request that comes in that version of HTTP. Nil where they do not fit, or memory is short.
  func write(
    _ version: HTTPVersion, certificate: OpaquePointer?, into room: UnsafeMutableBufferPointer<UInt8>
  ) -> Int? {
    guard let base, let start = room.baseAddress, headerCount <= room.count else { return nil }
    start.update(from: base, count: headerCount)
    start[Self.viaVersion] = version == .http11 ? UInt8(ascii: "1") : UInt8(ascii: "0")
    guard let certificate else { return headerCount }
    var count = headerCount
    guard room.count - count > Self.certificateName.utf8CodeUnitCount + Self.lineEnd.utf8CodeUnitCount else {
      return nil
    }
    count += Self.put(Self.certificateName, at: start + count)
    let rest = UnsafeMutableBufferPointer(rebasing: room[count..<(room.count - Self.lineEnd.utf8CodeUnitCount)])
    guard let length = EscapedPEM.write(certificate, into: rest) else { return nil }
    count += length
    return count + Self.put(Self.lineEnd, at: start + count)
  }

  private static func put(_ text: StaticString, at place: UnsafeMutablePointer<UInt8>) -> Int {
    place.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    return text.utf8CodeUnitCount
  }

  /// RFC 9110 §7.6.3, which asks it of gateways too, in requests. The version is the agent's, request by request.
  private static let via = "Via: 1.1 masterpool"
  private static let viaVersion = 7

  mutating func free() {
    base?.deallocate()
    self = Identity()
  }

  private static func origin(_ address: PeerAddress, _ isTLS: Bool) -> [String] {
    let proto = "X-Forwarded-Proto: \(isTLS ? "https" : "http")"
    guard let text = address.text else { return [proto] }
    return ["X-Forwarded-For: \(text)", "X-Real-IP: \(text)", proto]
  }

  private mutating func store(headers: [String], name: String, at address: PeerAddress) {
    let block = Array(headers.map { $0 + "\r\n" }.joined().utf8)
    let place = Array((address.text ?? "").utf8)
    let bytes = block + Array(name.utf8) + place
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    memory.initialize(from: bytes, count: bytes.count)
    base = memory
    headerCount = block.count
    nameCount = name.utf8.count
    addressCount = place.count
  }

  /// The subject's last CN. Control bytes, NUL among them, would mean one name to us and another to a worker.
  private static func commonName(_ certificate: OpaquePointer) -> String? {
    guard let subject = X509_get_subject_name(certificate) else { return nil }
    var last: Int32 = -1
    while true {
      let next = X509_NAME_get_index_by_NID(subject, NID_commonName, last)
      guard next >= 0 else { break }
      last = next
    }
    guard last >= 0, let entry = X509_NAME_get_entry(subject, last), let value = X509_NAME_ENTRY_get_data(entry)
    else { return nil }
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = ASN1_STRING_to_UTF8(&bytes, value)
    guard count > 0, let bytes else { return nil }
    defer { CRYPTO_free(bytes, #file, #line) }
    let text = UnsafeBufferPointer(start: bytes, count: Int(count))
    guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
    return String(validating: text, as: UTF8.self)
  }

  /// RFC 2253: `CN=agent1,O=Example`, control bytes and all beyond ASCII escaped.
  private static func subject(_ certificate: OpaquePointer) -> String? {
    guard let memory = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(memory) }
    guard copenssl_print_rfc2253(memory, X509_get_subject_name(certificate)) >= 0 else { return nil }
    let text = contents(memory)
    return text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } ? text : nil
  }

  private static func contents(_ memory: OpaquePointer) -> String {
    var bytes: UnsafeMutablePointer<CChar>?
    let count = copenssl_read_memory(memory, &bytes)
    guard let bytes, count > 0 else { return "" }
    return bytes.withMemoryRebound(to: UInt8.self, capacity: count) {
      String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
    }
  }
}
