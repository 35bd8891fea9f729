import Foundation

/// A new, empty directory for the time of `body`. Its path is short, since a unix socket's may have 107 bytes only.
public func withTemporaryDirectory<Value>(
  _ body: (String) async throws -> Value
) async throws -> Value {
  let directory = try makeTemporaryDirectory()
  defer { removeTree(directory) }
  return try await body(directory)
}

public func makeTemporaryDirectory() throws -> String {
  var template = Array("/tmp/mp-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw SystemFailure("mkdtemp") }
  return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

public func removeTree(_ path: String) {
  try? FileManager.default.removeItem(atPath: path)
}

extension String {
  /// Writes this to a file that only its owner can read.
  public func write(toFile path: String, mode: mode_t = 0o600) throws {
    let descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw SystemFailure("open \(path)") }
    defer { close(descriptor) }
    let bytes = Array(utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      guard count > 0 else { throw SystemFailure("write \(path)") }
      written += count
    }
  }
}

/// A file's text, or nil if it is not there.
public func text(ofFile path: String) -> String? {
  FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
}

/// A system call that failed, with errno in words.
public struct SystemFailure: Error, CustomStringConvertible {
  public let description: String

  public init(_ call: String, _ code: CInt = errno) { description = "\(call): \(String(cString: strerror(code)))" }
}
