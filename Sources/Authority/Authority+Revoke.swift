import FoundationEssentials

extension Authority {
  public enum Revoked: Equatable, Sendable {
    case now(serials: [UInt64])
    case already(serials: [UInt64], since: Date?)
  }

  /// Puts every certificate of this name on the list. Safe to repeat: a command that was cut off is completed.
  public func revoke(_ name: Certname, now: Date = Date()) throws -> Revoked {
    try folder.locked {
      var inventory = try inventory()
      let entries = inventory.entries(of: name)
      guard !entries.isEmpty else {
        throw AuthorityFailure.unknownName(
          "nothing was issued for \(name); masterpool ca list --dir \(folder.path) shows what was")
      }
      let time = Self.wholeSeconds(now)
      let booked = inventory.entries.filter { $0.revoked != nil }.map(\.serial)
      let fresh = entries.filter { $0.revoked == nil }
      try list(booked: Set(booked), adding: fresh, inventory, at: time)
      guard !fresh.isEmpty else {
        return .already(serials: entries.map(\.serial), since: entries.compactMap(\.revoked).max())
      }
      // Booked after it is on the list: until then a repeat finds work to do.
      for var entry in fresh {
        entry.revoked = time
        inventory.append(entry)
      }
      try folder.replace(AuthorityFolder.inventory, inventory.text, .everyone)
      return .now(serials: fresh.map(\.serial))
    }
  }

  /// Writes a new list unless the present one has them all.
  private func list(
    booked: Set<UInt64>, adding fresh: [Inventory.Entry], _ inventory: Inventory, at time: Date
  ) throws {
    let present = try presentList()
    let listed = Set(present?.revocations.map(\.serial) ?? [])
    guard present == nil || !listed.isSuperset(of: booked.union(fresh.map(\.serial))) else { return }
    var revocations = present?.revocations ?? []
    for entry in inventory.entries where !listed.contains(entry.serial) {
      if let revoked = entry.revoked {
        revocations.append(RevocationList.Revocation(serial: entry.serial, date: revoked))
      } else if fresh.contains(where: { $0.serial == entry.serial }) {
        revocations.append(RevocationList.Revocation(serial: entry.serial, date: time))
      }
    }
    // Numbers only grow, even where the list itself was lost: each revocation made one list at most.
    let number = max(present?.number ?? 0, UInt64(inventory.lines.count)) + 1
    let next = RevocationList(number: number, issued: time, revocations: revocations)
    try folder.replace(AuthorityFolder.revocations, try next.signed(by: issuer()), .everyone)
  }

  /// Nil where the file is gone; it is then made anew from the inventory.
  func presentList() throws -> RevocationList? {
    guard folder.exists(AuthorityFolder.revocations) else { return nil }
    let text = try folder.read(AuthorityFolder.revocations)
    do { return try RevocationList(pem: text) } catch {
      throw AuthorityFailure.notAnAuthority(
        "\(folder.absolute(AuthorityFolder.revocations)) is not a revocation list: \(error); move it away and "
          + "revoke again to have it made anew from the inventory")
    }
  }
}
