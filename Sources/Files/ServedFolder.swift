import Glibc
import Pool

/// A folder of the operator's, below a path.
struct ServedFolder: Sendable {
  /// With a slash at both ends.
  let path: [UInt8]
  let folder: String

  init(_ plan: FileFolder) {
    path = Array(plan.path.utf8)
    folder = plan.folder
  }

  /// The folder is opened anew each time: a deploy may have put another in its place.
  func open(_ request: Span<UInt8>) -> OpenFile? {
    guard request.count > path.count, holds(request) else { return nil }
    let name = request.extracting(path.count..<request.count)
    // No file's name ends in a slash, and a NUL would end it early.
    guard name[name.count - 1] != UInt8(ascii: "/") else { return nil }
    for index in 0..<name.count where name[index] == 0 { return nil }
    return OpenFile(String(copying: name), beneath: folder)
  }

  private func holds(_ request: Span<UInt8>) -> Bool {
    for index in path.indices where request[index] != path[index] { return false }
    return true
  }
}

extension String {
  init(copying bytes: Span<UInt8>) {
    self = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }
}
