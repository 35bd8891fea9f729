import CLinux
import Glibc
import Pool
import TestSupport
import Testing

@testable import Files

@Suite struct FolderTests {
  @Test(arguments: [
    "/d/plain", "/d/sub/deep", "/d/link-inside", "/d/sub/link-up-inside", "/d/link-to-folder/deep", "/d/empty",
  ])
  func servesWhatIsBeneath(path: String) async throws {
    try await withTree { desk in
      let file = try #require(desk.file(path))
      defer { file.close() }
      #expect(file.size == (path == "/d/empty" ? 0 : 6))
    }
  }

  @Test(arguments: [
    // Not files.
    "/d/", "/d", "/d/sub", "/d/sub/", "/d/plain/", "/d/plain/x", "/d/missing", "/d/fifo", "/d/socket", "/d/null",
    "/d/zero", "/d/tty",
    // Not the folder's.
    "/x/plain", "/", "", "/dplain", "/d/../d/plain-is-not-normalized/../../../etc/passwd", "/d/../outside/secret",
    "/d/sub/../../outside/secret", "/d/link-out", "/d/link-out-absolute", "/d/link-to-outside/secret",
    "/d/link-to-root/etc/passwd", "/d/link-home-by-the-outside", "/d/link-dangling", "/d/link-loop",
    "/d//etc/passwd", "/d/link-proc/root/etc/passwd",
  ])
  func servesNothingElse(path: String) async throws {
    try await withTree { desk in
      let file = desk.file(path)
      file?.close()
      #expect(file == nil)
    }
  }

  /// A NUL would end the name early.
  @Test(arguments: ["", ".txt", "/deep"])
  func servesNoNameWithANUL(rest: String) async throws {
    try await withTree { desk in
      #expect(desk.size("/d/plain\0" + rest) == nil)
    }
  }

  @Test func longestPathWins() async throws {
    try await withTemporaryDirectory { place in
      for name in ["a", "b"] { mkdir("\(place)/\(name)", 0o755) }
      try "1".write(toFile: "\(place)/a/f")
      try "22".write(toFile: "\(place)/b/f")
      try "333".write(toFile: "\(place)/a/only")
      mkdir("\(place)/a/s", 0o755)
      try "333".write(toFile: "\(place)/a/s/only")
      let desk = FileDesk(
        FilePlan(folders: [
          FileFolder(path: "/d/", folder: "\(place)/a"), FileFolder(path: "/d/s/", folder: "\(place)/b"),
        ]))
      #expect(desk.size("/d/f") == 1)
      #expect(desk.size("/d/s/f") == 2)
      // What the longer path does not have, the shorter one's folder may.
      #expect(desk.size("/d/s/only") == 3)
    }
  }

  /// A deploy that puts another folder in its place is seen by the next request.
  @Test func folderMayBeReplaced() async throws {
    try await withTemporaryDirectory { place in
      for name in ["old", "new"] { mkdir("\(place)/\(name)", 0o755) }
      try "1".write(toFile: "\(place)/old/f")
      try "22".write(toFile: "\(place)/new/f")
      symlink("old", "\(place)/current")
      let desk = FileDesk(FilePlan(folders: [FileFolder(path: "/d/", folder: "\(place)/current")]))
      #expect(desk.size("/d/f") == 1)
      symlink("new", "\(place)/next")
      rename("\(place)/next", "\(place)/current")
      #expect(desk.size("/d/f") == 2)
    }
  }

  @Test func deskWithoutAPlanIsClosed() {
    #expect(!FileDesk(FilePlan()).isOpen)
  }

  private func withTree(_ body: (FileDesk) throws -> Void) async throws {
    try await withTemporaryDirectory { place in
      let folder = "\(place)/folder"
      for path in [folder, "\(folder)/sub", "\(place)/outside"] { mkdir(path, 0o755) }
      for name in ["plain", "sub/deep"] { try "inside".write(toFile: "\(folder)/\(name)") }
      try "".write(toFile: "\(folder)/empty")
      try "secret".write(toFile: "\(place)/outside/secret")
      for (name, target) in [
        ("link-inside", "plain"), ("sub/link-up-inside", "../plain"), ("link-to-folder", "sub"),
        ("link-out", "../outside/secret"), ("link-out-absolute", "\(place)/outside/secret"),
        ("link-to-outside", "../outside"), ("link-to-root", "/"), ("link-home-by-the-outside", "../folder/plain"),
        ("link-dangling", "nothing"), ("link-loop", "link-loop"), ("link-proc", "/proc/self"), ("null", "/dev/null"),
        ("tty", "/dev/tty"),
      ] { symlink(target, "\(folder)/\(name)") }
      mkfifo("\(folder)/fifo", 0o666)
      // Only root can make one; without it, the name is not there, which is no file either.
      mknod("\(folder)/zero", S_IFCHR | 0o666, dev_t(0x105))
      try makeSocket("\(folder)/socket")
      try body(FileDesk(FilePlan(folders: [FileFolder(path: "/d/", folder: folder)])))
    }
  }

  private func makeSocket(_ path: String) throws {
    let descriptor = clinux_stream_socket(AF_UNIX)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw SystemFailure("bind \(path)") }
  }
}

extension FileDesk {
  func answer(_ path: String, query: String = "", accept: String = "", pool: String = "masters") -> FileAnswer {
    guard let pool = PoolName(rawValue: pool) else { return .notOurs }
    let (path, query, accept) = (Array(path.utf8), Array(query.utf8), Array(accept.utf8))
    return look(pool: pool, path: path.span, query: query.span, accept: accept.span)
  }

  /// To be closed.
  func file(_ path: String) -> OpenFile? {
    switch answer(path) {
    case .file(let file): file
    case .notOurs, .body, .later: nil
    }
  }

  func size(_ path: String) -> Int? {
    let file = file(path)
    file?.close()
    return file?.size
  }
}
