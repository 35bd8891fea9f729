import Glibc
import TestSupport

/// Names as bytes, so that a test can make what String cannot hold.
func withPath<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  (path.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
    buffer.baseAddress.map(body) ?? body("")
  }
}

func makeFolder(_ path: String, mode: mode_t = 0o755) throws {
  guard mkdir(path, mode) == 0 || errno == EEXIST else { throw SystemFailure("mkdir \(path)") }
}

func makeFolders(_ path: String) throws {
  var made = ""
  for part in path.split(separator: "/") {
    made += "/\(part)"
    try makeFolder(made)
  }
}

func link(_ path: String, to target: String) throws {
  guard symlink(target, path) == 0 else { throw SystemFailure("symlink \(path)") }
}

func exists(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0
}

func status(of path: String) throws -> stat {
  var status = stat()
  guard lstat(path, &status) == 0 else { throw SystemFailure("lstat \(path)") }
  return status
}

func names(in path: String) throws -> [String] {
  guard let stream = opendir(path) else { throw SystemFailure("opendir \(path)") }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Everything about a tree that a wipe elsewhere must not change: names, types, modes, owners, times, contents.
func fingerprint(of path: String) throws -> [String] {
  let status = try status(of: path)
  let times = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
  let own =
    "\(path) \(status.st_mode) \(status.st_uid):\(status.st_gid) \(status.st_nlink) \(status.st_size) \(times)"
  switch status.st_mode & S_IFMT {
  case S_IFDIR: return try [own] + names(in: path).flatMap { try fingerprint(of: "\(path)/\($0)") }
  case S_IFREG: return [own, text(ofFile: path) ?? "unreadable"]
  default: return [own]
  }
}

/// A place with a state directory, and beside it a tree that nothing may touch.
struct WipePlace {
  let folder: String
  var state: String { "\(folder)/state" }
  var outside: String { "\(folder)/outside" }

  static func with(_ body: (WipePlace) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let place = WipePlace(folder: folder)
      try makeFolder(place.state)
      try makeFolders("\(place.outside)/deep/deeper")
      for name in ["a", "deep/b", "deep/deeper/c"] {
        try "precious \(name)".write(toFile: "\(place.outside)/\(name)")
      }
      let before = try fingerprint(of: place.outside)
      try await body(place)
      let after = try fingerprint(of: place.outside)
      guard before == after else { throw Touched(before: before, after: after) }
    }
  }

  struct Touched: Error {
    let before: [String]
    let after: [String]
  }
}
