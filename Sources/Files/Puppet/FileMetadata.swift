/// One file as Puppet::FileServing::Metadata tells of it.
struct FileMetadata: Hashable, Sendable {
  enum Kind: String, Sendable { case file, directory, link }

  /// As Puppet names it: for a tree, its top.
  var path: String
  var relativePath: String?
  var followsLinks: Bool
  var owner: UInt32
  var group: UInt32
  var mode: UInt32
  var checksumType: String
  /// Nil: of a link that leads to nothing that has one.
  var checksum: String?
  var kind: Kind
  var destination: String?
}

extension FileMetadata {
  /// As Ruby's JSON writes it, key by key.
  func write(to bytes: inout [UInt8]) {
    bytes.append("{\"path\":")
    bytes.append(quoting: path)
    bytes.append(",\"relative_path\":")
    bytes.append(quoting: relativePath)
    bytes.append(followsLinks ? ",\"links\":\"follow\"" : ",\"links\":\"manage\"")
    bytes.append(",\"owner\":\(owner),\"group\":\(group),\"mode\":\(mode),\"checksum\":{\"type\":\"")
    bytes.append(checksumType)
    bytes.append("\",\"value\":")
    bytes.append(quoting: checksum.map { "{\(checksumType)}\($0)" })
    bytes.append("},\"type\":\"\(kind.rawValue)\",\"destination\":")
    bytes.append(quoting: destination)
    bytes.append("}")
  }

  static func list(_ rows: [FileMetadata]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.count * 320 + 2)
    bytes.append("[")
    for (index, row) in rows.enumerated() {
      if index > 0 { bytes.append(",") }
      row.write(to: &bytes)
    }
    bytes.append("]")
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  /// Texts with control characters never come here.
  fileprivate mutating func append(quoting text: String?) {
    guard let text else { return append("null") }
    append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { append(UInt8(ascii: "\\")) }
      append(byte)
    }
    append(UInt8(ascii: "\""))
  }
}
