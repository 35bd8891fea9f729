import Foundation
import TestSupport

/// The demo's environments behind a masterpool, with agents that have folders of their own.
struct PuppetSite: Sendable {
  let folder: String
  let certificates: Certificates
  var code = Places.code

  static let nodes = ["web-1.demo", "db-1.demo"]

  /// Settings for a pool of two masters that is recycled like this.
  func yaml(
    recycle: String, environment: String = "{}", canary: Bool = false, pool: [String] = []
  ) -> String {
    let canary = canary ? ", canary: \(Self.nodes[0]), canary_facts: \(canaryFacts)" : ""
    return yaml(recycle, environment, canary, pool)
  }

  /// Of the node whose catalog a parent compiles.
  var canaryFacts: String { "\(folder)/canary.json" }

  private func yaml(_ recycle: String, _ environment: String, _ canary: String, _ pool: [String]) -> String {
    """
    state_dir: \(folder)/state
    run_dir: \(folder)/run
    listen:
      - address: 127.0.0.1:0
        tls:
          certificate: \(certificates.serverCertificate)
          private_key: \(certificates.serverKey)
          client_ca: \(certificates.ca)
          client_crl: \(certificates.crl)
          verify_client: optional
    pools:
      masters:
        master: puppet
        puppet: {confdir: \(folder)/puppet, codedir: \(code), adapter: \(Places.worker)\(canary)}
        workers: 2
        recycle: \(recycle)
        environment: \(environment)
        stop: {drain: 60s, terminate: 10s}
    \(pool.map { "    \($0)" }.joined(separator: "\n"))
    control:
      socket: control.sock

    """
  }

  /// One run of a real agent, in the folder that is its machine.
  func runAgent(_ node: String, at address: Address) async throws -> CommandResult {
    guard case .port(let port) = address else { throw HarnessFailure("agents cannot connect to \(address)") }
    let agent = "\(folder)/agents/\(node)"
    try """
    [main]
    vardir = \(agent)/var
    ssldir = \(agent)/ssl
    rundir = \(agent)/run
    logdir = \(agent)/log
    publicdir = \(agent)/public
    certname = \(node)
    server = localhost
    serverport = \(port)
    usecacheonfailure = false

    """.write(toFile: "\(agent)/puppet.conf")
    return try await run(
      Places.puppet(), ["agent", "--test", "--confdir", agent, "--color", "false"],
      environment: ["FACTER_demo_root": "\(agent)/root"], within: .seconds(120))
  }

  fileprivate func prepare(_ node: String) throws {
    let agent = "\(folder)/agents/\(node)"
    for path in ["\(agent)/root", "\(agent)/ssl/certs", "\(agent)/ssl/private_keys"] { try makeFolder(path) }
    for (from, to) in [
      ("ca.pem", "certs/ca.pem"), ("crl.pem", "crl.pem"), ("\(node).pem", "certs/\(node).pem"),
      ("\(node).key", "private_keys/\(node).pem"),
    ] {
      try FileManager.default.copyItem(atPath: "\(certificates.folder)/\(from)", toPath: "\(agent)/ssl/\(to)")
    }
  }
}

/// A site of its own behind a masterpool that has two Puppet masters, over the demo's environments or those that `code`
/// makes in the site's folder.
func withPuppetSite(
  recycle: String = "{every: off}", environment: String = "{}", canary: Bool = false, pool: [String] = [],
  code: @escaping @Sendable (String) throws -> String = { _ in Places.code },
  _ body: @escaping @Sendable (PuppetSite, Masterpool) async throws -> Void
) async throws {
  // Asked first: without them nothing here means anything.
  _ = (try Places.ruby(), try Places.puppet())
  try await withTemporaryDirectory { folder in
    try makeFolder("\(folder)/tls")
    try makeFolder("\(folder)/puppet")
    let site = PuppetSite(
      folder: folder, certificates: try await Certificates.make(in: "\(folder)/tls", clients: PuppetSite.nodes),
      code: try code(folder))
    for node in PuppetSite.nodes { try site.prepare(node) }
    if canary {
      let facts = try await run(
        try Places.ruby(),
        [
          "-rfacter", "-rjson", "-e",
          "File.write(ARGV[0], JSON.generate(Facter.to_hash.merge('demo_root' => ARGV[1])))", site.canaryFacts,
          "\(folder)/canary",
        ])
      guard facts.status == .exited(0) else { throw HarnessFailure("no facts: \(facts.errors)") }
    }
    var limits = Setup()
    limits.startLimit = .seconds(120)
    limits.stopLimit = .seconds(90)
    try await withMasterpool(
      yaml: site.yaml(recycle: recycle, environment: environment, canary: canary, pool: pool), in: folder, limits
    ) {
      try await body(site, $0)
    }
  }
}
