import FoundationEssentials
import SwiftASN1
import X509

/// A revocation list, version 2 (RFC 5280 section 5).
struct RevocationList: Equatable {
  struct Revocation: Equatable {
    var serial: UInt64
    var date: Date
  }

  var number: UInt64
  var issued: Date
  var nextUpdate: Date
  /// Ascending by serial.
  var revocations: [Revocation]

  static let pemLabel = "X509 CRL"
  /// As long as Puppet's: agents refuse a list that is past its date.
  static let lifetime: TimeInterval = 5 * 365 * 86_400

  init(number: UInt64, issued: Date, revocations: [Revocation]) {
    self.number = number
    self.issued = issued
    nextUpdate = issued.addingTimeInterval(Self.lifetime)
    self.revocations = revocations.sorted { $0.serial < $1.serial }
  }

  func signed(by issuer: Issuer) throws -> String {
    let algorithm = SignatureAlgorithmIdentifier(issuer.kind)
    var inner = DER.Serializer()
    try serializeContent(into: &inner, algorithm, issuer)
    let content = inner.serializedBytes
    let signature = try issuer.key.sign(bytes: content, signatureAlgorithm: issuer.kind.signatureAlgorithm)
    var outer = DER.Serializer()
    try outer.appendConstructedNode(identifier: .sequence) { list in
      list.serializeRawBytes(content)
      try list.serialize(algorithm)
      try list.serialize(ASN1BitString(bytes: signature.rawRepresentation[...]))
    }
    return PEMDocument(type: Self.pemLabel, derBytes: outer.serializedBytes).pemString + "\n"
  }

  /// `TBSCertList`.
  private func serializeContent(
    into serializer: inout DER.Serializer, _ algorithm: SignatureAlgorithmIdentifier, _ issuer: Issuer
  ) throws {
    try serializer.appendConstructedNode(identifier: .sequence) { content in
      try content.serialize(1)  // v2
      try content.serialize(algorithm)
      try content.serialize(issuer.certificate.subject)
      try content.serialize(ListTime(issued))
      try content.serialize(ListTime(nextUpdate))
      // Absent rather than empty.
      if !revocations.isEmpty { try content.serializeSequenceOf(revocations) }
      try content.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { tagged in
        try tagged.serializeSequenceOf(extensions(issuer))
      }
    }
  }

  private func extensions(_ issuer: Issuer) throws -> [Certificate.Extension] {
    var value = DER.Serializer()
    try value.serialize(number)
    return [
      try Certificate.Extension(AuthorityKeyIdentifier(keyIdentifier: try issuer.keyIdentifier()), critical: false),
      Certificate.Extension(oid: .crlNumber, critical: false, value: value.serializedBytes[...]),
    ]
  }
}

extension RevocationList.Revocation: DERSerializable, DERParseable {
  func serialize(into coder: inout DER.Serializer) throws {
    try coder.appendConstructedNode(identifier: .sequence) { entry in
      try entry.serialize(serial)
      try entry.serialize(ListTime(date))
    }
  }

  init(derEncoded node: ASN1Node) throws {
    self = try DER.sequence(node, identifier: .sequence) { fields in
      let entry = Self(
        serial: try UInt64(derEncoded: &fields), date: try ListTime(derEncoded: &fields).date)
      while fields.next() != nil {}
      return entry
    }
  }
}

extension RevocationList: DERParseable {
  init(pem: String) throws {
    try self.init(derEncoded: DER.parse(PEMDocument(pemString: pem).derBytes))
  }

  init(derEncoded node: ASN1Node) throws {
    self = try DER.sequence(node, identifier: .sequence) { list in
      guard let content = list.next() else { throw ASN1Error.truncatedASN1Field() }
      while list.next() != nil {}
      return try Self(content: content)
    }
  }

  private init(content: ASN1Node) throws {
    self = try DER.sequence(content, identifier: .sequence) { fields in
      _ = try Int(derEncoded: &fields)
      _ = try ASN1Any(derEncoded: &fields)  // the algorithm
      _ = try ASN1Any(derEncoded: &fields)  // the issuer
      let issued = try ListTime(derEncoded: &fields).date
      let nextUpdate = try ListTime(derEncoded: &fields).date
      var list = RevocationList(number: 0, issued: issued, revocations: [])
      list.nextUpdate = nextUpdate
      while let field = fields.next() {
        if field.identifier == .sequence {
          list.revocations = try DER.sequence(of: Revocation.self, identifier: .sequence, rootNode: field)
        } else {
          list.number = try Self.number(inExtensions: field)
        }
      }
      return list
    }
  }

  private static func number(inExtensions tagged: ASN1Node) throws -> UInt64 {
    let identifier = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
    return try DER.sequence(tagged, identifier: identifier) { inner in
      guard let node = inner.next() else { throw ASN1Error.truncatedASN1Field() }
      let extensions = try DER.sequence(of: Certificate.Extension.self, identifier: .sequence, rootNode: node)
      guard let number = extensions.first(where: { $0.oid == .crlNumber }) else { return 0 }
      return try UInt64(derEncoded: number.value)
    }
  }
}

extension ASN1ObjectIdentifier {
  /// RFC 5280 section 5.2.3.
  fileprivate static let crlNumber: ASN1ObjectIdentifier = [2, 5, 29, 20]
}

/// `AlgorithmIdentifier` of what the authority signs with.
private struct SignatureAlgorithmIdentifier: DERSerializable {
  let kind: KeyKind

  init(_ kind: KeyKind) { self.kind = kind }

  func serialize(into coder: inout DER.Serializer) throws {
    try coder.appendConstructedNode(identifier: .sequence) { fields in
      switch kind {
      case .rsa4096, .rsa2048:
        let sha256WithRSAEncryption: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 1, 11]
        try fields.serialize(sha256WithRSAEncryption)
        try fields.serialize(ASN1Null())  // RFC 4055 section 5
      case .p256:
        let ecdsaWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 2]
        try fields.serialize(ecdsaWithSHA256)  // no parameters: RFC 5758 section 3.2
      }
    }
  }
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 section 5.1.2.4), whole seconds.
private struct ListTime: DERSerializable, DERParseable {
  let date: Date

  init(_ date: Date) { self.date = date }

  func serialize(into coder: inout DER.Serializer) throws {
    let parts = Calendar.utc.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
    guard let year = parts.year, let month = parts.month, let day = parts.day, let hour = parts.hour,
      let minute = parts.minute, let second = parts.second
    else { throw ASN1Error.invalidASN1Object(reason: "no such date: \(date)") }
    if year < 2050 {
      try coder.serialize(
        UTCTime(year: year, month: month, day: day, hours: hour, minutes: minute, seconds: second))
    } else {
      try coder.serialize(
        GeneralizedTime(
          year: year, month: month, day: day, hours: hour, minutes: minute, seconds: second, fractionalSeconds: 0))
    }
  }

  init(derEncoded node: ASN1Node) throws {
    var parts = DateComponents()
    if node.identifier == .utcTime {
      let time = try UTCTime(derEncoded: node)
      (parts.year, parts.month, parts.day) = (time.year, time.month, time.day)
      (parts.hour, parts.minute, parts.second) = (time.hours, time.minutes, time.seconds)
    } else {
      let time = try GeneralizedTime(derEncoded: node)
      (parts.year, parts.month, parts.day) = (time.year, time.month, time.day)
      (parts.hour, parts.minute, parts.second) = (time.hours, time.minutes, time.seconds)
    }
    guard let date = Calendar.utc.date(from: parts) else {
      throw ASN1Error.invalidASN1Object(reason: "no such date")
    }
    self.date = date
  }
}

extension Calendar {
  fileprivate static var utc: Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return calendar
  }
}
