/// A masterpool.yaml with one pool of stub masters, `stubs`, to be filled in by a test.
public struct Setup: Sendable {
  public var workers = 2
  public var concurrency = 1
  /// Added to the stub's command line; placeholders as in the settings.
  public var stubOptions: [String] = []
  /// Lines of YAML within the pool, such as `recycle: {every: 1s}`.
  public var pool: [String] = []
  /// Lines of YAML within `proxy`.
  public var proxy: [String] = []
  /// Lines of YAML at the top, such as `access_log: {to: stdout}`.
  public var top: [String] = []
  /// Lines of YAML within `control`.
  public var control: [String] = []
  /// Elements of `routes`, in YAML; empty: everything for anyone.
  public var routes: [String] = []
  /// Elements of `files`, in YAML.
  public var files: [String] = []
  /// With these the listener speaks TLS.
  public var certificates: Certificates?
  public var verifyClient = "required"
  /// Further elements of `listen`, in YAML.
  public var listeners: [String] = []
  /// Further pools, as `stubPool` renders them.
  public var pools: [String] = []
  /// How long its stop may take, past which the test has failed.
  public var stopLimit = Duration.seconds(30)
  public var startLimit = Duration.seconds(60)

  public init() {}

  /// The settings, with everything below `directory`.
  public func yaml(directory: String) -> String {
    var lines = [
      "state_dir: \(directory)/state", "run_dir: \(directory)/run", "listen:", "  - address: 127.0.0.1:0",
    ]
    if let certificates {
      lines += [
        "    tls:", "      certificate: \(certificates.serverCertificate)",
        "      private_key: \(certificates.serverKey)", "      client_ca: \(certificates.ca)",
        "      client_crl: \(certificates.crl)", "      verify_client: \(verifyClient)",
      ]
    }
    lines += listeners.map { "  - \($0)" }
    if !proxy.isEmpty { lines += ["proxy:"] + proxy.map { "  \($0)" } }
    lines += ["pools:"]
    lines += stubPool("stubs", workers: workers, concurrency: concurrency, options: stubOptions, more: pool)
    lines += pools
    lines += ["routes:"] + (routes.isEmpty ? ["{path: /, allow: any, pool: stubs}"] : routes).map { "  - \($0)" }
    if !files.isEmpty { lines += ["files:"] + files.map { "  - \($0)" } }
    lines += ["control:", "  socket: control.sock"] + control.map { "  \($0)" }
    lines += top
    return lines.joined(separator: "\n") + "\n"
  }

  /// A pool of stub masters as lines of YAML, to be put under `pools`. Without a word about `recycle` its workers stay:
  /// a timer that is due in minutes would be, where a busy machine makes a test last so long.
  public func stubPool(
    _ name: String, workers: Int, concurrency: Int = 1, options: [String] = [], more: [String] = []
  ) -> [String] {
    let command =
      [
        Programs.stubMaster, "--socket", "{socket}", "--pool", "{pool}", "--slot", "{index}", "--generation",
        "{generation}", "--concurrency", "\(concurrency)",
      ] + options
    let quoted = command.map { "\"\($0)\"" }.joined(separator: ", ")
    let lasting = more.contains { $0.hasPrefix("recycle:") } ? [] : ["recycle: {every: off}"]
    return
      [
        "  \(name):", "    master: command", "    command: [\(quoted)]", "    workers: \(workers)",
        "    concurrency: \(concurrency)",
      ] + (lasting + more).map { "    \($0)" }
  }
}
