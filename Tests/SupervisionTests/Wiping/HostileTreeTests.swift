import CLinux
import Foundation
import Glibc
import Pool
import Synchronization
import TestSupport
import Testing

@testable import Supervision

/// Whatever a worker put into its directory: it goes, and nothing outside is touched (which `WipePlace` checks).
@Suite struct HostileTreeTests {
  /// Fills a worker's directory, wipes all of it, and gives the report.
  private func wipe(
    _ place: WipePlace, filling fill: (String) throws -> Void
  ) async throws -> WipeReport {
    let slots = SlotDirectories(stateDirectory: place.state)
    let path = try slots.prepare(worker: worker(1), owner: nil)
    try fill(path)
    return try await slots.delete(slots.setAside(worker: worker(1), wipe: []))
  }

  @Test func linksAreRemovedAsLinks() async throws {
    try await WipePlace.with { place in
      let report = try await wipe(place) { path in
        try makeFolder("\(path)/d")
        for (name, target) in [
          ("folder", place.outside), ("file", "\(place.outside)/a"), ("d/up", "../../../../outside"),
          ("d/dangling", "/no/such"), ("d/loop", "loop"), ("root", "/"), ("here", "."),
        ] {
          try link("\(path)/\(name)", to: target)
        }
      }
      #expect(report.entries == 8 && report.bytes == 0 && report.failures == [])
    }
  }

  @Test func aHardLinkedFileLivesOnUnderItsOtherName() async throws {
    try await WipePlace.with { place in
      try "shared".write(toFile: "\(place.folder)/kept")
      let report = try await wipe(place) { path in
        guard Glibc.link("\(place.folder)/kept", "\(path)/x") == 0 else { throw SystemFailure("link") }
      }
      #expect(report.entries == 1 && report.failures == [])
      #expect(text(ofFile: "\(place.folder)/kept") == "shared")
    }
  }

  @Test(.timeLimit(.minutes(5))) func pipesAndSocketsAreNotOpened() async throws {
    try await WipePlace.with { place in
      let report = try await wipe(place) { path in
        guard mkfifo("\(path)/fifo", 0o600) == 0 else { throw SystemFailure("mkfifo") }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        guard var address = unixAddress("\(path)/socket") else { throw SystemFailure("address") }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard result == 0 else { throw SystemFailure("bind") }
        // The null device, which only root can make.
        if isRoot, mknod("\(path)/device", S_IFCHR | 0o600, 0x103) != 0 { throw SystemFailure("mknod") }
      }
      #expect(report.entries == (isRoot ? 3 : 2) && report.failures == [])
    }
  }

  @Test func namesMayBeAnyBytes() async throws {
    try await WipePlace.with { place in
      let report = try await wipe(place) { path in
        for name in [[0x0A], [0xFF, 0xFE], [0x2A], [0x2D, 0x72, 0x66], [0x20], [0x2E, 0x2E, 0x2E], [0x5C]]
          as [[UInt8]]
        {
          let folder = Array(path.utf8) + [0x2F] + name
          guard withPath(folder, { mkdir($0, 0o755) }) == 0 else { throw SystemFailure("mkdir") }
          let file = withPath(folder + [0x2F] + name) { open($0, O_CREAT | O_WRONLY, 0o600) }
          guard file >= 0 else { throw SystemFailure("open") }
          close(file)
        }
      }
      #expect(report.entries == 14 && report.failures == [])
    }
  }

  @Test func aFolderNamedLikeOurOwnIsNothingSpecial() async throws {
    try await WipePlace.with { place in
      let report = try await wipe(place) { path in
        for name in [".moved-0", ".moved-1", ".masterpool-trash", ".masterpool-trash-1-1", "0"] {
          try makeFolders("\(path)/\(name)/.moved-2/\(name)")
        }
        try "x".write(toFile: "\(path)/.moved-3")
      }
      #expect(report.entries == 16 && report.bytes == 1 && report.failures == [])
    }
  }

  @Test func permissionsOfTheTreeDoNotMatter() async throws {
    try await WipePlace.with { place in
      let report = try await wipe(place) { path in
        try makeFolders("\(path)/a/b/c")
        try "x".write(toFile: "\(path)/a/b/c/file", mode: 0)
        for folder in ["a/b/c", "a/b", "a"] { chmod("\(path)/\(folder)", 0) }
        if isRoot { chown("\(path)/a/b", 12345, 12345) }
      }
      #expect(report.entries == 4 && report.failures == [])
    }
  }

  @Test func aDeepTreeNeedsFewDescriptors() async throws {
    try await WipePlace.with { place in
      let depth = 2000
      let report = try await wipe(place) { path in try makeDeep(path, depth) }
      #expect(report.entries == 2 * depth && report.bytes == depth && report.failures == [])
    }
  }

  /// A chain of folders, each with a file, far longer than a path may be.
  private func makeDeep(_ path: String, _ depth: Int) throws {
    var folder = open(path, O_RDONLY | O_DIRECTORY)
    for _ in 0..<depth {
      let name = "folder-with-a-name-of-some-length"
      let file = openat(folder, "f", O_CREAT | O_WRONLY, 0o600)
      guard file >= 0, write(file, "x", 1) == 1, mkdirat(folder, name, 0o755) == 0 else {
        throw SystemFailure("making a deep tree")
      }
      close(file)
      let next = openat(folder, name, O_RDONLY | O_DIRECTORY)
      close(folder)
      guard next >= 0 else { throw SystemFailure("openat") }
      folder = next
    }
    close(folder)
  }

  @Test func manyFilesAreCountedExactly() async throws {
    try await WipePlace.with { place in
      let report = try await wipe(place) { path in
        for folder in 0..<200 {
          try makeFolder("\(path)/\(folder)")
          for file in 0..<100 { try "12".write(toFile: "\(path)/\(folder)/\(file)") }
        }
      }
      #expect(report.entries == 200 + 20_000 && report.bytes == 40_000 && report.failures == [])
    }
  }

  @Test(.enabled(if: isRoot)) func anImmutableFileIsToldAndTheRestGoes() async throws {
    try await WipePlace.with { place in
      let immutable = Mutex("")
      defer { setImmutable(false, below: place.state) }
      let isPossible = Mutex(true)
      let report = try await wipe(place) { path in
        try makeFolders("\(path)/d/e")
        for name in ["d/e/locked", "d/e/free", "d/free"] { try "1234".write(toFile: "\(path)/\(name)") }
        immutable.withLock { $0 = "\(path)/d/e/locked" }
        isPossible.withLock { $0 = setImmutable(true, "\(path)/d/e/locked") }
      }
      // Some file systems have no such mark.
      guard isPossible.withLock({ $0 }) else { return }
      #expect(report.entries == 3 && report.bytes == 8 && report.failureCount == 1)
      #expect(report.failures.first?.hasSuffix("/d/e/locked: Operation not permitted") == true)

      // Nothing of it is where a worker could find it, and the next start takes it up again.
      #expect(try names(in: "\(place.state)/slots/masters/0") == [])
      let stuck = setImmutable(false, below: "\(place.state)/trash")
      #expect(stuck == [])
      let swept = try SlotDirectories(stateDirectory: place.state).setAsideRemains().delete()
      #expect(swept.bytes == 4 && swept.failureCount == 0)
      #expect(try names(in: "\(place.state)/trash") == [])
    }
  }

  @Test func onlySomeOfManyFailuresAreTold() {
    var report = WipeReport()
    for number in 0..<50 { report.fail("\(number)") }
    let sum = report + report
    #expect(sum.failureCount == 100 && sum.failures.count == WipeReport.maxToldFailures)
  }

  @Test(.enabled(if: isRoot)) func aMountPointIsNotEntered() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      try makeFolders("\(path)/d/mounted")
      try "1234".write(toFile: "\(path)/d/beside")
      guard mount(place.outside, "\(path)/d/mounted", nil, UInt(MS_BIND), nil) == 0 else { return }
      let report = try await slots.delete(slots.setAside(worker: worker(1), wipe: []))
      for name in mountPoints(below: place.folder) { umount(name) }
      #expect(report.entries == 1 && report.failureCount == 1)
      #expect(report.failures.first?.hasSuffix("mounted: it is a mount point") == true)
      let swept = try slots.setAsideRemains().delete()
      #expect(swept.failureCount == 0)
      #expect(try names(in: "\(place.state)/trash") == [])
    }
  }

  /// A survivor of the worker's that plays with the tree while it is wiped.
  @Test(arguments: 0..<3) func foldersThatTurnIntoLinksLeadNowhere(_ round: Int) async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      for folder in 0..<300 {
        try makeFolders("\(path)/t/\(folder)/deep/deeper")
        for name in ["a", "deep/b", "deep/deeper/c"] { try "x".write(toFile: "\(path)/t/\(folder)/\(name)") }
      }
      try link("\(path)/t/trap", to: place.outside)
      // It has the folder open, as its working directory, say, and so still reaches it when it was set aside.
      let inside = open("\(path)/t", O_RDONLY | O_DIRECTORY)
      guard inside >= 0 else { throw SystemFailure("open") }
      let isOver = Monitor(false)
      let swapper = Task {
        try await onThread {
          while !isOver.read({ $0 }) {
            for folder in 0..<300 where exchange(inside, "trap", "\(folder)") {
              exchange(inside, "trap", "\(folder)")
              symlinkat(place.outside, inside, "new-\(folder)")
            }
          }
        }
      }
      let aside = try slots.setAside(worker: worker(1), wipe: [])
      let report = await slots.delete(aside)
      isOver.update { $0 = true }
      try await swapper.value
      close(inside)
      #expect(report.entries > 0)
      // What it added to the very end may be left, and told; the next sweep finds it.
      _ = try slots.setAsideRemains().delete()
      #expect(try names(in: "\(place.state)/trash") == [])
    }
  }
}

@discardableResult
private func exchange(_ folder: Int32, _ a: String, _ b: String) -> Bool {
  clinux_rename(folder, a, folder, b, UInt32(CLINUX_RENAME_EXCHANGE.rawValue)) == 0
}

/// FS_IOC_SETFLAGS with FS_IMMUTABLE_FL; false where the file system has no such thing.
private func setImmutable(_ isImmutable: Bool, _ path: String) -> Bool {
  let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  var flags: Int32 = isImmutable ? 0x10 : 0
  return ioctl(descriptor, 0x4008_6602, &flags) == 0
}

/// Those that did not become so, and why.
@discardableResult
private func setImmutable(_ isImmutable: Bool, below folder: String) -> [String] {
  guard let paths = FileManager.default.subpaths(atPath: folder) else { return ["\(folder) cannot be listed"] }
  return paths.compactMap { path in
    setImmutable(isImmutable, "\(folder)/\(path)") ? nil : "\(path): \(String(cString: strerror(errno)))"
  }
}

private func mountPoints(below folder: String) -> [String] {
  (text(ofFile: "/proc/self/mounts") ?? "").split(separator: "\n").compactMap { line in
    let fields = line.split(separator: " ")
    return fields.count > 1 && fields[1].hasPrefix(folder) ? String(fields[1]) : nil
  }
}
