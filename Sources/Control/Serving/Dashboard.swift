import CDashboard
import HTTPTypes
import Hummingbird
import NIOCore

/// The dashboard's files, as they were when the program was built.
enum Dashboard {
  struct File: Sendable {
    let type: String
    let bytes: ByteBuffer
    /// Strong: the same bytes, the same tag, whichever program serves them.
    let tag: String
  }

  static func has(_ path: String) -> Bool { files[path] != nil }

  /// - Parameter known: the request's `If-None-Match`.
  static func answer(_ path: String, known: String?) -> Response? {
    guard let file = files[path] else { return nil }
    var headers = headers
    headers[.eTag] = file.tag
    if let known, names(known, file.tag) { return Response(status: .notModified, headers: headers) }
    headers[.contentType] = file.type
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: file.bytes))
  }

  private static let files: [String: File] = {
    var files: [String: File] = [:]
    for index in 0..<cdashboard_file_count() {
      guard let file = cdashboard_file_at(index)?.pointee else { continue }
      let bytes = UnsafeBufferPointer(start: file.bytes, count: file.count)
      files[String(cString: file.path)] = File(
        type: String(cString: file.type), bytes: ByteBuffer(bytes: bytes), tag: tag(of: bytes))
    }
    return files
  }()

  /// FNV-1a: it tells versions of a file apart, and nothing rests on that but a cache.
  private static func tag(of bytes: UnsafeBufferPointer<UInt8>) -> String {
    let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return "\"\(String(hash, radix: 16))\""
  }

  /// RFC 9110 §13.1.2: weak comparison, `*` for any.
  private static func names(_ known: String, _ tag: String) -> Bool {
    known.split(separator: ",").contains { one in
      let one = one.drop { $0 == " " }.prefix { $0 != " " }
      return one == "*" || one == tag || one == "W/\(tag)"
    }
  }

  /// Nothing from elsewhere, nothing inline, in no frame: whatever a node's name holds, it is text.
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  private static let headers: HTTPFields = {
    // Asked for again each time, and answered 304 in general: a new program never runs with an old script.
    var headers: HTTPFields = [.cacheControl: "no-cache", .contentSecurityPolicy: policy]
    let more = [
      "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    ]
    for (name, value) in more { if let name = HTTPField.Name(name) { headers[name] = value } }
    return headers
  }()
}
