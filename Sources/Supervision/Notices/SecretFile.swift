import Glibc

/// A file whose first line is a secret.
enum SecretFile {
  /// A longer line is none.
  static let maxBytes = 4096

  struct Unusable: Error {
    var why: String
  }

  /// Without the white space around it. Never waits: what is no regular file is refused.
  static func firstLine(of path: String) throws(Unusable) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw Unusable(why: "\(path) cannot be read: \(reason())") }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw Unusable(why: "\(path) is not a regular file")
    }
    var buffer = [UInt8](repeating: 0, count: maxBytes + 1)
    let count = read(file, &buffer, buffer.count)
    guard count >= 0 else { throw Unusable(why: "\(path) cannot be read: \(reason())") }
    let line = buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }
    guard line.count <= maxBytes, let text = String(validating: line, as: UTF8.self) else {
      throw Unusable(why: "the first line of \(path) is longer than \(maxBytes) bytes, or no text")
    }
    let words = text.drop(while: \.isWhitespace)
    let end = words.lastIndex { !$0.isWhitespace }
    guard let end else { throw Unusable(why: "the first line of \(path) is empty") }
    return String(words[...end])
  }
}
