import Glibc

/// The name of a directory's entry as the kernel has it: any bytes but `/` and zero, not necessarily UTF-8.
struct EntryName: Hashable, Sendable, CustomStringConvertible {
  /// With the terminating zero.
  private let bytes: [CChar]

  init(copying name: UnsafePointer<CChar>) {
    bytes = Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))
  }

  /// Nil where the text is not one name: empty, `.`, `..`, or with a slash or a zero byte.
  init?(_ text: some StringProtocol) {
    guard !text.isEmpty, text != ".", text != "..", !text.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") })
    else { return nil }
    self.init(verified: text)
  }

  /// For names that are made of letters and digits here.
  init(_ number: Int) { self.init(verified: String(number)) }

  static func trash(_ process: Int32, _ number: Int) -> EntryName {
    EntryName(verified: "\(trashPrefix)\(process)-\(number)")
  }

  static func moved(_ number: Int) -> EntryName { EntryName(verified: ".moved-\(number)") }

  /// In every folder of trash.
  static let trashMark = EntryName(verified: ".masterpool-trash")

  static let trashPrefix = ".masterpool-trash-"

  private init(verified text: some StringProtocol) {
    bytes = text.utf8.map { CChar(bitPattern: $0) } + [0]
  }

  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    bytes.withUnsafeBufferPointer { buffer in
      // Never empty: the zero is always there.
      buffer.baseAddress.map(body) ?? body("")
    }
  }

  /// Repaired and escaped, for messages.
  var description: String {
    LineSplitter.escaped(String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}
