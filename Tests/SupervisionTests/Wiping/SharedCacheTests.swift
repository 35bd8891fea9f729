import CLinux
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Supervision

/// Functions that Glibc's module leaves out.
private struct Attributes {
  typealias Set = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, Int32) -> Int32
  typealias Get = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer, Int) -> Int

  let set: Set
  let get: Get

  init() throws {
    set = unsafeBitCast(try #require(dlsym(nil, "setxattr")), to: Set.self)
    get = unsafeBitCast(try #require(dlsym(nil, "getxattr")), to: Get.self)
  }
}

@Suite struct SharedCacheTests {
  @Test func theNewcomerFindsAnEmptyFolderLikeTheOldOne() async throws {
    try await WipePlace.with { place in
      let attributes = try Attributes()
      let cache = "\(place.folder)/var/yaml"
      try makeFolders("\(cache)/facts")
      try "12345".write(toFile: "\(cache)/facts/a.yaml")
      if isRoot { chown(cache, 12345, 54321) }
      chmod(cache, 0o2770)
      let hasAttributes = attributes.set(cache, "user.masterpool", "kept", 4, 0) == 0
      let reader = open("\(cache)/facts/a.yaml", O_RDONLY)
      let old = try status(of: cache)

      let aside = try #require(try SharedCache.renameAside(path: cache))
      let new = try status(of: cache)
      #expect(try names(in: cache) == [])
      #expect(!new.isSameFile(as: old))
      #expect(new.st_uid == old.st_uid && new.st_gid == old.st_gid && new.st_mode == old.st_mode)
      if hasAttributes {
        var value = [UInt8](repeating: 0, count: 16)
        #expect(attributes.get(cache, "user.masterpool", &value, value.count) == 4)
      }

      let report = await SlotDirectories.delete(aside)
      #expect(report.entries == 2 && report.bytes == 5 && report.failures == [])
      #expect(try names(in: "\(place.folder)/var") == ["yaml"])
      // A living reader keeps what it has open.
      var buffer = [UInt8](repeating: 0, count: 16)
      #expect(read(reader, &buffer, buffer.count) == 5)
      close(reader)
    }
  }

  @Test func aFolderThatIsNotThereIsNotMade() async throws {
    try await WipePlace.with { place in
      for path in ["\(place.folder)/none", "\(place.folder)/none/at/all"] {
        let aside = try SharedCache.renameAside(path: path)
        #expect(aside == nil)
        #expect(!exists(path))
      }
    }
  }

  @Test(arguments: [
    ("/", "so near to the root"), ("/tmp", "so near to the root"), ("//tmp//", "so near to the root"),
    ("relative/path", "not an absolute path"), ("", "not an absolute path"),
    ("/tmp/../etc", "without . and .."), ("/tmp/./x", "without . and .."), ("/var/a\0b", "without . and .."),
  ])
  func whatCannotBeACacheIsRefused(_ path: String, _ why: String) {
    let failure = #expect(throws: WipeFailure.self) { try SharedCache.renameAside(path: path) }
    #expect(failure?.description.contains(why) == true)
  }

  @Test func whatIsReachedThroughALinkIsRefused() async throws {
    try await WipePlace.with { place in
      try link("\(place.folder)/link", to: place.outside)
      for path in ["\(place.folder)/link", "\(place.folder)/link/deep", "\(place.folder)/link/deep/deeper"] {
        let failure = #expect(throws: WipeFailure.self) { try SharedCache.renameAside(path: path) }
        #expect(failure?.description.contains("symbolic link") == true)
      }
    }
  }

  @Test func aFileIsRefused() async throws {
    try await WipePlace.with { place in
      try "x".write(toFile: "\(place.folder)/file")
      for path in ["\(place.folder)/file", "\(place.folder)/file/below"] {
        #expect(throws: WipeFailure.self) { try SharedCache.renameAside(path: path) }
      }
      #expect(text(ofFile: "\(place.folder)/file") == "x")
    }
  }

  @Test(.enabled(if: isRoot), arguments: [true, false])
  func aMountPointIsRefused(_ isSameFileSystem: Bool) async throws {
    try await WipePlace.with { place in
      let cache = "\(place.folder)/mounted"
      try makeFolder(cache)
      let isMounted =
        isSameFileSystem
        ? mount(place.outside, cache, nil, UInt(MS_BIND), nil) == 0 : mount("none", cache, "tmpfs", 0, nil) == 0
      guard isMounted else { return }
      let failure = #expect(throws: WipeFailure.self) { try SharedCache.renameAside(path: cache) }
      umount(cache)
      #expect(failure?.description.contains("it is a mount point") == true)
    }
  }

  @Test func aHomeIsRefused() throws {
    let user = try UserIdentity.named("games")
    guard let status = try? status(of: user.home), status.st_uid == user.uid,
      user.home.split(separator: "/").count > 1
    else { return }
    let failure = #expect(throws: WipeFailure.self) { try SharedCache.renameAside(path: user.home) }
    #expect(failure?.description.contains("home") == true)
  }

  @Test func nobodyEverFindsNoFolder() async throws {
    try await WipePlace.with { place in
      let cache = "\(place.folder)/cache"
      try makeFolder(cache)
      let isOver = Monitor(false)
      let watcher = Task {
        try await onThread {
          var missed = 0
          while !isOver.read({ $0 }) { if !exists(cache) { missed += 1 } }
          return missed
        }
      }
      for number in 0..<200 {
        try "x".write(toFile: "\(cache)/\(number)")
        let aside = try #require(try SharedCache.renameAside(path: cache))
        #expect(aside.delete().entries == 1)
      }
      isOver.update { $0 = true }
      #expect(try await watcher.value == 0)
    }
  }

  @Test func linksInItLeadNowhere() async throws {
    try await WipePlace.with { place in
      let cache = "\(place.folder)/cache"
      try makeFolders("\(cache)/d")
      for name in ["a", "d/b", ".masterpool-trash", "0"] { try link("\(cache)/\(name)", to: place.outside) }
      let aside = try #require(try SharedCache.renameAside(path: cache))
      let report = aside.delete()
      #expect(report.entries == 5 && report.failures == [])
    }
  }

  /// Somebody who may write beside the cache puts a link in its place, again and again.
  @Test func aCacheThatTurnsIntoALinkLeadsNowhere() async throws {
    try await WipePlace.with { place in
      let cache = "\(place.folder)/cache"
      try makeFolder(cache)
      try link("\(place.folder)/trap", to: place.outside)
      let folder = open(place.folder, O_RDONLY | O_DIRECTORY)
      let isOver = Monitor(false)
      let swapper = Task {
        try await onThread {
          while !isOver.read({ $0 }) {
            clinux_rename(folder, "trap", folder, "cache", UInt32(CLINUX_RENAME_EXCHANGE.rawValue))
          }
        }
      }
      var renamed = 0
      for _ in 0..<500 {
        guard let aside = try? SharedCache.renameAside(path: cache) else { continue }
        renamed += 1
        #expect(aside.delete().failures == [])
      }
      isOver.update { $0 = true }
      try await swapper.value
      close(folder)
      #expect(renamed > 0)
      let left = try names(in: place.folder).filter { $0.hasPrefix(EntryName.trashPrefix) }
      #expect(left == [])
    }
  }

  // MARK: What a process that died left behind

  private func deadPID() async throws -> Int32 {
    let child = try shell("true")
    _ = await child.exit()
    child.killRemains()
    return child.pid
  }

  private func makeTrash(_ folder: String, mode: mode_t = 0o700, marked: Bool = true) throws {
    try makeFolders("\(folder)/0")
    chmod(folder, mode)
    if marked { try "".write(toFile: "\(folder)/.masterpool-trash") }
    try "1234".write(toFile: "\(folder)/0/cached")
  }

  @Test func leftOverTrashIsSweptToo() async throws {
    let dead = try await deadPID()
    try await WipePlace.with { place in
      let cache = "\(place.folder)/var/cache"
      try makeFolders(cache)
      let trash = "\(place.folder)/var/\(EntryName.trashPrefix)"
      try makeTrash("\(trash)\(dead)-7")
      // Of a supervisor of the same number, in a container say, that ran before us.
      try makeTrash("\(trash)\(getpid())-999999")
      let report = try #require(try SharedCache.renameAside(path: cache)).delete()
      #expect(report.entries == 2 && report.bytes == 8 && report.failures == [])
      #expect(try names(in: "\(place.folder)/var") == ["cache"])
    }
  }

  @Test func whatOthersPutThereUnderOurNameIsNotSwept() async throws {
    let dead = try await deadPID()
    try await WipePlace.with { place in
      let cache = "\(place.folder)/var/cache"
      try makeFolders(cache)
      let trash = "\(place.folder)/var/\(EntryName.trashPrefix)"
      try makeTrash("\(trash)\(dead)-1", marked: false)
      try makeTrash("\(trash)\(dead)-2", mode: 0o755)
      if isRoot {
        try makeTrash("\(trash)\(dead)-3")
        chown("\(trash)\(dead)-3", 12345, 12345)
        try makeTrash("\(trash)\(dead)-4")
        chown("\(trash)\(dead)-4/.masterpool-trash", 12345, 12345)
      }
      try makeTrash("\(trash)1-5")
      try link("\(trash)\(dead)-6", to: place.outside)
      try makeTrash("\(trash)\(dead)")
      let before = try names(in: "\(place.folder)/var")
      let report = try #require(try SharedCache.renameAside(path: cache)).delete()
      #expect(report == WipeReport())
      #expect(try names(in: "\(place.folder)/var") == before)
    }
  }
}
