import FoundationEssentials
import X509

extension Authority {
  /// What `masterpool ca list` shows.
  public struct Contents: Equatable, Sendable, Codable {
    public struct Node: Equatable, Sendable, Codable {
      public enum Status: String, Sendable, Codable { case valid, expired, revoked }

      public var name: String
      /// `0x0002`
      public var serial: String
      public var status: Status
      /// RFC 3339, UTC, as all times here.
      public var notBefore: String
      public var notAfter: String
      public var revokedAt: String?

      enum CodingKeys: String, CodingKey {
        case name, serial, status
        case notBefore = "not_before"
        case notAfter = "not_after"
        case revokedAt = "revoked_at"
      }
    }

    public var authority: String
    public var notAfter: String
    public var listNumber: UInt64?
    public var listNextUpdate: String?
    public var certificates: [Node]

    enum CodingKeys: String, CodingKey {
      case authority, certificates
      case notAfter = "not_after"
      case listNumber = "crl_number"
      case listNextUpdate = "crl_next_update"
    }
  }

  /// Reads; never waits for the lock, since each file is replaced whole.
  public func contents(now: Date = Date()) throws -> Contents {
    let certificate = try Certificate(pemEncoded: folder.read(AuthorityFolder.certificate))
    let list = try presentList()
    return Contents(
      authority: String(describing: certificate.subject), notAfter: Inventory.stamp(certificate.notValidAfter),
      listNumber: list?.number, listNextUpdate: list.map { Inventory.stamp($0.nextUpdate) },
      certificates: try inventory().entries.map { entry in
        Contents.Node(
          name: entry.name.text, serial: Inventory.hex(entry.serial),
          status: entry.revoked != nil ? .revoked : entry.notAfter > now ? .valid : .expired,
          notBefore: Inventory.stamp(entry.notBefore), notAfter: Inventory.stamp(entry.notAfter),
          revokedAt: entry.revoked.map(Inventory.stamp))
      })
  }
}

extension Authority.Contents {
  /// One line a certificate, under a line for the authority.
  public var table: String {
    var text = "\(authority), good until \(day(notAfter))"
    if let listNextUpdate { text += "; revocation list good until \(day(listNextUpdate))" }
    guard !certificates.isEmpty else { return text + "\nnothing issued yet\n" }
    var rows = [["NAME", "SERIAL", "STATUS", "UNTIL"]]
    for node in certificates {
      let until = node.revokedAt.map { "\(day(node.notAfter)) (revoked \(day($0)))" } ?? String(day(node.notAfter))
      rows.append([node.name, node.serial, node.status.rawValue, until])
    }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { (row: [String]) -> String in
      row.enumerated().map { column, cell in
        column < widths.count ? cell + String(repeating: " ", count: widths[column] - cell.count) : cell
      }.joined(separator: "  ")
    }
    return text + "\n\n" + lines.joined(separator: "\n") + "\n"
  }

  private func day(_ stamp: String) -> Substring { stamp.prefix(10) }
}
