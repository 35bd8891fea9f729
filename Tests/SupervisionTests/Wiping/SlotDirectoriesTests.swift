import Glibc
import Pool
import TestSupport
import Testing

@testable import Supervision

func worker(_ generation: Int, slot: Int = 0, pool: String = "masters") throws -> WorkerID {
  let name = try #require(PoolName(rawValue: pool))
  return WorkerID(slot: SlotID(pool: name, index: slot), generation: Generation(rawValue: generation))
}

@Suite struct SlotDirectoriesTests {
  @Test func aGenerationGetsAnEmptyDirectoryOfItsOwn() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(17, slot: 3), owner: nil)
      #expect(path == "\(place.state)/slots/masters/3/17")
      #expect(try names(in: path) == [])
      #expect(try status(of: path).st_mode & 0o7777 == 0o750)
      #expect(try status(of: "\(place.state)/slots/masters/3").st_mode & 0o7777 == 0o755)
    }
  }

  @Test(.enabled(if: isRoot)) func itIsItsUsers() async throws {
    try await WipePlace.with { place in
      let user = try UserIdentity.named("nobody")
      let path = try SlotDirectories(stateDirectory: place.state).prepare(worker: worker(1), owner: user)
      let own = try status(of: path)
      #expect(own.st_uid == user.uid && own.st_gid == user.gid)
      #expect(try status(of: "\(place.state)/slots/masters/0").st_uid == 0)
    }
  }

  @Test func whatIsThereAlreadyIsSetAsideFirst() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      try "old".write(toFile: "\(path)/catalog.json")
      #expect(try slots.prepare(worker: worker(1), owner: nil) == path)
      #expect(try names(in: path) == [])
      // A link in its place is set aside as a link.
      guard rmdir(path) == 0 else { throw SystemFailure("rmdir") }
      try link(path, to: place.outside)
      #expect(try slots.prepare(worker: worker(1), owner: nil) == path)
      #expect(try status(of: path).isDirectory)
      #expect(try names(in: path) == [])
    }
  }

  @Test(arguments: ["trash", "slots", "slots/masters", "slots/masters/0"])
  func aPlaceThatOthersMayWriteInIsRefused(_ name: String) async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      _ = try slots.prepare(worker: worker(1), owner: nil)
      _ = try slots.setAside(worker: worker(1), wipe: []).delete()
      _ = try slots.prepare(worker: worker(2), owner: nil)
      chmod("\(place.state)/\(name)", 0o777)
      #expect(throws: WipeFailure.self) { try slots.prepare(worker: worker(2), owner: nil) }
      chmod("\(place.state)/\(name)", 0o755)
      let path = try slots.prepare(worker: worker(2), owner: nil)
      #expect(try names(in: path) == [])
    }
  }

  @Test(arguments: ["trash", "slots", "slots/masters", "slots/masters/0"])
  func aLinkInTheWayIsRefused(_ name: String) async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      if name != "trash", name != "slots" {
        try makeFolders("\(place.state)/\(name.split(separator: "/").dropLast().joined(separator: "/"))")
      }
      try link("\(place.state)/\(name)", to: place.outside)
      #expect(throws: WipeFailure.self) {
        _ = try slots.prepare(worker: worker(1), owner: nil)
        _ = try slots.prepare(worker: worker(1), owner: nil)
      }
      #expect(throws: WipeFailure.self) {
        _ = try slots.setAside(worker: worker(1), wipe: [])
      }
    }
  }

  @Test func withoutAStateDirectoryNothingStarts() {
    #expect(throws: WipeFailure.self) {
      try SlotDirectories(stateDirectory: "/no/such/state").prepare(worker: worker(1), owner: nil)
    }
  }

  @Test func allOfItIsWiped() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      try makeFolders("\(path)/cache/yaml")
      try "12345".write(toFile: "\(path)/cache/yaml/a")
      try "1234567".write(toFile: "\(path)/b")
      let aside = try slots.setAside(worker: worker(1), wipe: [])
      #expect(!exists(path))
      let report = await slots.delete(aside)
      #expect(report.entries == 4 && report.bytes == 12 && report.failureCount == 0)
      #expect(try names(in: "\(place.state)/trash") == [])
    }
  }

  @Test func onlyWhatIsNamedIsWipedAndTheRestStaysForAGeneration() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      try makeFolders("\(path)/cache/yaml")
      try makeFolders("\(path)/var/state")
      for name in ["cache/yaml/a", "var/state/b", "var/log", "single"] { try "1234".write(toFile: "\(path)/\(name)") }
      // A successor lives already.
      let successor = try slots.prepare(worker: worker(2), owner: nil)
      try "living".write(toFile: "\(successor)/x")

      let aside = try slots.setAside(
        worker: worker(1), wipe: ["cache", "var/state/", "single", "missing", "var/missing/too"])
      let report = await slots.delete(aside)
      // The folders that are named do not count, what lay in them does: yaml, a, b, and the file itself.
      #expect(report.entries == 4 && report.bytes == 12 && report.failures == [])
      #expect(try names(in: "\(place.state)/slots/masters/0") == ["1.wiped", "2"])
      #expect(text(ofFile: "\(place.state)/slots/masters/0/1.wiped/var/log") == "1234")

      let next = try await slots.delete(slots.setAside(worker: worker(2), wipe: ["cache"]))
      #expect(next == WipeReport())
      #expect(try names(in: "\(place.state)/slots/masters/0") == ["2.wiped"])
      #expect(text(ofFile: "\(place.state)/slots/masters/0/2.wiped/x") == "living")
    }
  }

  @Test(arguments: ["../2", "/etc", "a/../../x", ".", "..", "", "a\0b"])
  func aPathThatLeadsOutIsNoPath(_ path: String) async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      _ = try slots.prepare(worker: worker(1), owner: nil)
      let neighbour = try slots.prepare(worker: worker(2), owner: nil)
      let report = try await slots.delete(slots.setAside(worker: worker(1), wipe: [path]))
      #expect(report.failureCount == 1 && report.entries == 0)
      #expect(exists(neighbour))
    }
  }

  @Test func aNamedPathThroughALinkTakesTheLink() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      try link("\(path)/cache", to: place.outside)
      try link("\(path)/lib", to: place.outside)
      let report = try await slots.delete(slots.setAside(worker: worker(1), wipe: ["cache", "lib/deep"]))
      #expect(report.entries == 2 && report.failureCount == 0)
      #expect(try names(in: "\(place.state)/slots/masters/0/1.wiped") == [])
    }
  }

  @Test func aWorkerThatLeftNothingIsNoFailure() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      for wipe in [[], ["cache"]] {
        let report = try await slots.delete(slots.setAside(worker: worker(9), wipe: wipe))
        #expect(report == WipeReport())
      }
    }
  }

  @Test func aSweepLeavesTheLivingAlone() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      for (generation, slot, pool) in [(1, 0, "masters"), (2, 0, "masters"), (1, 1, "masters"), (5, 0, "gone")] {
        let path = try slots.prepare(worker: worker(generation, slot: slot, pool: pool), owner: nil)
        try "1234".write(toFile: "\(path)/cached")
      }
      try "stray".write(toFile: "\(place.state)/slots/note")
      let report = try slots.setAsideRemains(keeping: [try worker(2)]).delete()
      #expect(report.failureCount == 0 && report.entries == 4 && report.bytes == 3 * 4 + 5)
      #expect(text(ofFile: "\(place.state)/slots/masters/0/2/cached") == "1234")
      #expect(try names(in: "\(place.state)/slots") == ["masters"])
      #expect(try names(in: "\(place.state)/slots/masters") == ["0"])
      #expect(try names(in: "\(place.state)/slots/masters/0") == ["2"])
      #expect(try names(in: "\(place.state)/trash") == [])
      #expect(try slots.setAsideRemains(keeping: [try worker(2)]).delete() == WipeReport())
    }
  }

  @Test func aSweepTakesUpABrokenOffDeletion() async throws {
    try await WipePlace.with { place in
      let slots = SlotDirectories(stateDirectory: place.state)
      let path = try slots.prepare(worker: worker(1), owner: nil)
      try "1234".write(toFile: "\(path)/cached")
      // A process that set it aside and died.
      do { _ = try slots.setAside(worker: worker(1), wipe: []) }
      #expect(try names(in: "\(place.state)/trash").count == 1)
      let report = try slots.setAsideRemains().delete()
      #expect(report.entries == 1 && report.bytes == 4)
      #expect(try names(in: "\(place.state)/trash") == [])
    }
  }
}
