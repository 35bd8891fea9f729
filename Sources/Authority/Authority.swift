import FoundationEssentials
import X509

/// A certificate authority in a folder: signs for servers and agents, revokes, and keeps book of both.
public struct Authority {
  /// What Puppet gives an authority and a node: 15 and 5 years.
  public static let authorityDays = 15 * 365
  public static let nodeDays = 5 * 365
  public static let maxDays = 100 * 365

  let folder: AuthorityFolder

  /// The folder that `initialize` made.
  public init(at path: String) throws(AuthorityFailure) {
    folder = AuthorityFolder(path: path)
    guard folder.exists(AuthorityFolder.certificate), folder.exists(AuthorityFolder.inventory) else {
      throw .notAnAuthority("\(path) holds no authority; make one with: masterpool ca init --dir \(path)")
    }
  }

  /// What one name has got.
  public struct Issued: Sendable {
    public var name: Certname
    public var serial: UInt64
    public var notAfter: Date
    public var certificatePath: String
    public var keyPath: String
    /// What a reader should know besides, as sentences.
    public var notes: [String]
  }

  /// Makes a key and a certificate for a server or an agent.
  ///
  /// - Parameter kind: nil: a key like the authority's own.
  public func issue(
    _ name: Certname, alternatives: [AlternativeName] = [], key kind: KeyKind? = nil, days: Int = Authority.nodeDays,
    now: Date = Date(), progress: (String) -> Void = { _ in }
  ) throws -> Issued {
    let lifetime = try Self.lifetime(days: days)
    return try folder.locked {
      let issuer = try issuer()
      var inventory = try inventory()
      try refuseIfValid(name, inventory, now)

      let kind = kind ?? issuer.kind
      if kind.isSlowToMake { progress("making a key of 4096 bits; this takes some seconds") }
      let key = try SigningKey.make(kind)
      let (entry, notes) = try entry(for: name, lifetime: lifetime, issuer, now)
      let certificate = try CertificateForms.node(
        alternatives: alternatives, publicKey: key.key.publicKey, entry: entry, issuer: issuer)

      // Booked before it exists: what was signed can always be revoked.
      inventory.append(entry)
      try folder.replace(AuthorityFolder.inventory, inventory.text, .everyone)
      try setAside(name, before: entry.serial)
      try folder.create(AuthorityFolder.key(of: name), key.pem, .owner)
      try folder.create(
        AuthorityFolder.certificate(of: name), try certificate.serializeAsPEM().pemString + "\n", .everyone)
      return Issued(
        name: name, serial: entry.serial, notAfter: entry.notAfter,
        certificatePath: folder.absolute(AuthorityFolder.certificate(of: name)),
        keyPath: folder.absolute(AuthorityFolder.key(of: name)), notes: notes)
    }
  }

  /// One name has one certificate that is good.
  private func refuseIfValid(_ name: Certname, _ inventory: Inventory, _ now: Date) throws(AuthorityFailure) {
    let entries = inventory.entries(of: name)
    if let good = entries.last(where: { $0.revoked == nil && $0.notAfter > now }) {
      throw .exists(
        "\(name) has a certificate (serial \(Inventory.hex(good.serial)), good until "
          + "\(Inventory.stamp(good.notAfter))), which is not overwritten; to issue another, first: "
          + "masterpool ca revoke \(name) --dir \(folder.path)")
    }
    if entries.isEmpty {
      // Not of this authority's making, so it is not set aside either.
      for file in [AuthorityFolder.certificate(of: name), AuthorityFolder.key(of: name)] where folder.exists(file) {
        throw .exists("\(folder.absolute(file)) exists, though nothing was issued for \(name); move it away first")
      }
    }
  }

  /// The certificate and key that a revoked or expired one of the same name left.
  private func setAside(_ name: Certname, before serial: UInt64) throws(AuthorityFailure) {
    let aside = "\(AuthorityFolder.superseded)/\(name)-before-\(Inventory.hex(serial))"
    for (file, ending) in [(AuthorityFolder.certificate(of: name), "pem"), (AuthorityFolder.key(of: name), "key")]
    where folder.exists(file) {
      try folder.move(file, to: "\(aside).\(ending)")
    }
  }

  /// The serial and dates of a new certificate. One that outlives its authority would only surprise later.
  private func entry(
    for name: Certname, lifetime: TimeInterval, _ issuer: Issuer, _ now: Date
  ) throws -> (Inventory.Entry, notes: [String]) {
    let authority = issuer.certificate
    guard authority.notValidAfter > now else {
      throw AuthorityFailure.unusable(
        "the authority's own certificate, \(folder.absolute(AuthorityFolder.certificate)), expired on "
          + Inventory.stamp(authority.notValidAfter))
    }
    let wanted = Self.wholeSeconds(now).addingTimeInterval(lifetime)
    let backdated = Self.wholeSeconds(now).addingTimeInterval(-CertificateForms.backdated)
    let entry = Inventory.Entry(
      serial: try takeSerial(), notBefore: max(backdated, authority.notValidBefore),
      notAfter: min(wanted, authority.notValidAfter), name: name, revoked: nil)
    let notes =
      wanted > authority.notValidAfter
      ? ["it ends with the authority's own certificate, on \(Inventory.stamp(authority.notValidAfter))"] : []
    return (entry, notes)
  }

  /// Written before it is used, so that no serial is ever used twice.
  private func takeSerial() throws(AuthorityFailure) -> UInt64 {
    let text = try folder.read(AuthorityFolder.serial)
    guard let serial = Inventory.serial(text.prefix { !$0.isNewline }), serial < .max else {
      throw .notAnAuthority("\(folder.absolute(AuthorityFolder.serial)) holds no serial such as 0x0002")
    }
    try folder.replace(AuthorityFolder.serial, Inventory.hex(serial + 1) + "\n", .everyone)
    return serial
  }

  func issuer() throws -> Issuer {
    try Issuer(
      certificatePEM: folder.read(AuthorityFolder.certificate), keyPEM: folder.read(AuthorityFolder.key),
      folder: folder)
  }

  func inventory() throws(AuthorityFailure) -> Inventory {
    try Inventory(folder.read(AuthorityFolder.inventory), path: folder.absolute(AuthorityFolder.inventory))
  }

  static func lifetime(days: Int) throws(AuthorityFailure) -> TimeInterval {
    guard (1...maxDays).contains(days) else {
      throw .unusable("--days \(days): a certificate is good for 1 to \(maxDays) days")
    }
    return TimeInterval(days) * 86_400
  }

  /// Certificates carry no fractions.
  static func wholeSeconds(_ date: Date) -> Date {
    Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
  }
}
