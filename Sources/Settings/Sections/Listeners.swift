import Pool

/// A listener of the file, as far as it could be read, and where it stands.
struct PlacedListener {
  var field: Field
  var address: ListenAddress?
  var tls: TLSConfiguration?
  var proxyProtocol: ProxyProtocolConfiguration?
  /// False where the TLS section is wrong, so that nobody concludes anything from its absence.
  var isSound: Bool

  var configuration: ListenerConfiguration? {
    address.map { ListenerConfiguration(address: $0, tls: tls, proxyProtocol: proxyProtocol) }
  }

  var verifiesClients: Bool {
    switch tls?.verifyClient {
    case .optional, .required: true
    case ListenerVerification.none?, nil: false
    }
  }
}

private typealias ListenerVerification = TLSConfiguration.ClientVerification

extension Reader {
  func listeners(_ file: Section) -> [PlacedListener] {
    let example = "[{address: \"0.0.0.0:8140\"}]"
    guard let fields = file.required("listen", example: example, { $0.filledList(expected: example) }) else {
      return []
    }
    return fields.map(listener)
  }

  private func listener(_ field: Field) -> PlacedListener {
    let section = Section(reading: field, .listener)
    guard case .mapping = field.shape else { return PlacedListener(field: field, isSound: false) }
    let address = section.required("address", example: "\"0.0.0.0:8140\"") { $0.address() }
    let balancers = section["proxy_protocol"].flatMap { _ in
      proxyProtocol(section.section("proxy_protocol"), at: address)
    }
    guard section["tls"] != nil else {
      return PlacedListener(field: field, address: address, proxyProtocol: balancers, isSound: true)
    }
    let tls = tls(section.section("tls"))
    return PlacedListener(
      field: section["address"] ?? field, address: address, tls: tls, proxyProtocol: balancers, isSound: tls != nil)
  }

  private static let sessionLifetime = Duration.seconds(60) ... .seconds(86400)

  private func tls(_ section: Section) -> TLSConfiguration? {
    guard case .mapping = section.field.shape else { return nil }
    let certificate = section.required("certificate", example: "ssl/server.pem", file)
    let key = section.required("private_key", example: "ssl/server.key", secret)
    let authority = section.optional("client_ca", file)
    let revoked = section.optional("client_crl", file)
    let asked = section["client_ca"] != nil
    let verify = section.read("verify_client", asked ? .optional : .none) { field in
      field.choice(TLSConfiguration.ClientVerification.self)
    }
    let lifetime = section.read("session_lifetime", .seconds(3600)) { $0.time(in: Self.sessionLifetime) }
    refuseContradictions(section, verify, asked: asked)
    guard let certificate, let key else { return nil }
    return TLSConfiguration(
      certificate: certificate, privateKey: key, clientCA: authority, clientCRL: revoked, verifyClient: verify,
      sessionLifetime: lifetime)
  }

  private func refuseContradictions(
    _ section: Section, _ verify: TLSConfiguration.ClientVerification, asked: Bool
  ) {
    switch verify {
    case .none:
      if asked, let field = section["verify_client"], field.isWord("none") {
        field.problem("client_ca is given, yet no client is verified", "write optional or required")
      }
    case .optional, .required:
      if !asked, let field = section["verify_client"] {
        field.problem("\(verify.rawValue) needs client_ca", "write client_ca: ssl/ca.pem beside it")
      }
    }
    if !asked, let field = section["client_crl"] {
      field.problem("revocations are of no use without client_ca", "write client_ca: ssl/ca.pem beside it")
    }
  }

  /// A file that its owner alone may read.
  func secret(_ field: Field) -> String? {
    guard let path = file(field) else { return nil }
    let others: UInt32 = 0o077
    guard let facts = surroundings.look(at: path, followingLinks: true), facts.mode & others == 0 else {
      let mode = surroundings.look(at: path, followingLinks: true).map { String($0.mode, radix: 8) } ?? "unknown"
      field.problem("\(path) is open to its group or to others (mode \(mode))", "run chmod 600 on it")
      return nil
    }
    return path
  }

  /// The kernel would refuse the second listener.
  func refuseCollisions(of listeners: [PlacedListener], _ control: PlacedControl) {
    var taken = listeners.compactMap { listener in listener.address.map { (listener.field, $0) } }
    if let listen = control.listen { taken.append((listen.field, listen.address)) }
    for (index, (field, address)) in taken.enumerated() {
      guard let (earlier, other) = taken[..<index].first(where: { $0.1.collides(with: address) }) else { continue }
      let line = findings.line(of: earlier.spot, seenFrom: field.spot)
      field.problem("\(address) is taken by \(other) in \(line)", "write another port")
    }
  }
}
