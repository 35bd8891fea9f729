import Pool
import Testing

@testable import Settings

@Suite struct ReadingTests {
  /// A supervisor reads its settings for months, at each reload and each question what would be different.
  @Test func nothingOfAReadingStays() throws {
    weak var left: Findings?
    do {
      let document = try Document([SettingsText(file: "masterpool.yaml", text: "state_dir: /srv/x\n")], [])
      let findings = Findings(files: document.files, standIns: document.standIns)
      left = findings
      let reader = Reader(surroundings: FakeMachine(), folder: "/etc/masterpool", findings: findings)
      let settings = reader.settings(document.root)
      #expect(settings != nil && !findings.inFileOrder.isEmpty)
    }
    let isGone = left == nil
    #expect(isGone)
  }

  @Test(arguments: [
    ("15m", Duration.seconds(900)), ("1h30m", .seconds(5400)), ("2.5s", .milliseconds(2500)), ("0s", .zero),
    ("1d2h3m4s5ms", .milliseconds(93_784_005)), ("0.001s", .milliseconds(1)), ("250ms", .milliseconds(250)),
    ("0.5d", .seconds(43200)),
  ]) func timeIsReadExactly(text: String, expected: Duration) {
    guard case .value(let value) = readTime(text) else {
      Issue.record("\(text) is refused")
      return
    }
    #expect(value == expected)
  }

  @Test(arguments: [
    "", "s", "15", "15 m", "1m1h", "1m1m", "1..5s", ".5s", "5.s", "1e3s", "-1s", "15min", "99999999999999999999d",
    "106752d", "1.2345s", "١s", "5s ", " 5s", "1h-5m",
  ]) func whatIsNoTimeIsRefused(text: String) {
    if case .value(let value) = readTime(text) { Issue.record("\(text) is taken for \(value)") }
  }

  @Test(arguments: [
    ("600MiB", 600 << 20), ("1.5GiB", 3 << 29), ("0B", 0), ("1TiB", 1 << 40), ("0.5KiB", 512),
    ("1GiB512MiB", 3 << 29),
  ]) func sizeIsReadExactly(text: String, expected: Int) {
    guard case .value(let value) = readSize(text) else {
      Issue.record("\(text) is refused")
      return
    }
    #expect(value.bytes == expected)
  }

  @Test(arguments: [
    ("worker", "workers"), ("wrokers", "workers"), ("Workers", "workers"), ("max-body-size", "max_body_size"),
    ("max_body", "max_body_size"), ("xyz", nil), ("", nil), ("timeot", "timeout"),
  ]) func nearestWordIsFound(text: String, expected: String?) {
    #expect(nearest(to: text, among: ["workers", "max_body_size", "timeout", "user"]) == expected)
  }

  @Test(arguments: [
    ("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
  ]) func distanceCountsLettersAndSwaps(a: String, b: String, expected: Int) {
    #expect(editDistance(a, b) == expected)
    #expect(editDistance(b, a) == expected)
  }

  @Test(arguments: [
    ("::", true), ("::1", true), ("1::", true), ("1:2:3:4:5:6:7:8", true), ("1:2:3:4:5:6:7::", true),
    ("::ffff:10.0.0.1", true), ("fe80::1%eth0", false), (":::", false), ("1::2::3", false), ("1:2:3", false),
    ("1:2:3:4:5:6:7:8:9", false), ("12345::", false), ("::10.0.0.1:1", false), ("", false), (":1", false),
    ("1:2:3:4:5:6:7:8::", false), ("::g", false),
  ]) func addressOfVersionSixIsRead(text: String, isOne: Bool) {
    #expect((IPv6Address(text) != nil) == isOne)
  }

  @Test func spellingsOfOneAddressAreEqual() {
    #expect(IPv6Address("::1") == IPv6Address("0:0:0:0:0:0:0:1"))
    #expect(IPv6Address("::ffff:10.0.0.1") == IPv6Address("::FFFF:a00:1"))
    #expect(IPv6Address("1::") != IPv6Address("::1"))
  }

  @Test(arguments: [
    ("/", "/a", true), ("/", "/", true), ("/a/", "/a", false), ("/a/", "/a/b", true), ("/a/", "/a/b/", true),
    ("/a/b/", "/a/", false), ("/a/{x}", "/a/b", true), ("/a/b", "/a/{x}", false), ("/a/{x}", "/a/{y}", true),
    ("/a/{x}/", "/a/b/c", true), ("/a", "/a/", false), ("/a", "/b", false), ("/a/{x}", "/a/b/c", false),
  ]) func routeCoversWhatItTakesFirst(earlier: String, later: String, expected: Bool) throws {
    let pool = try #require(PoolName(rawValue: "masters"))
    let first = Route(path: earlier, allow: .any, pool: pool)
    #expect(first.covers(Route(path: later, methods: ["GET"], allow: .any, pool: pool)) == expected)
    let onlyPut = Route(path: earlier, methods: ["PUT"], allow: .any, pool: pool)
    #expect(!onlyPut.covers(Route(path: later, methods: ["GET"], allow: .any, pool: pool)))
    #expect(!onlyPut.covers(Route(path: later, allow: .any, pool: pool)))
  }

  @Test func braceThatNamesNothingIsText() {
    func names(_ text: String) -> [String] {
      Placeholder.all(in: text).map { result in
        switch result {
        case .success(let placeholder): placeholder.rawValue
        case .failure(let unknown): "?\(unknown.name)"
        }
      }
    }
    #expect(names("{socket}{index}") == ["socket", "index"])
    #expect(names(#"{"a": {"b": 1}} {} { {slot} {Slot {pool"#) == ["slot"])
    #expect(names("{{socket}} {what}") == ["socket", "?what"])
  }

  @Test func everythingOfTheFileArrives() throws {
    let text = """
      listen: [{address: "127.0.0.1:0", tls: {certificate: ssl/server.pem, private_key: ssl/server.key,
        client_ca: ssl/ca.pem, client_crl: ssl/crl.pem, verify_client: required, session_lifetime: 5m}}]
      pools:
        a:
          command: [my-master, "{port}", ""]
          environment: {X: "1"}
          user: puppet
          working_directory: "{slot}"
          cache: {wipe: ["{slot}/x//y"], shared: [/var/lib/puppet/yaml]}
          recycle: {every: off, jitter: 0%, memory: 1MiB, memory_limit: 2MiB, requests: 7, surge: 2, min_ready: 1}
          stop: {drain: 1s, terminate: 2s}
          workers: 3
      routes: [{path: "/{certname}/", methods: [PUT], allow: self, pool: a, retry: yes}]
      control: {listen: "[::1]:9"}
      """
    let settings = try Settings.read(text: text, file: "/etc/masterpool/x.yaml", surroundings: FakeMachine())
    #expect(
      settings.listen == [
        ListenerConfiguration(
          address: .ip(host: "127.0.0.1", port: 0),
          tls: TLSConfiguration(
            certificate: "/etc/masterpool/ssl/server.pem", privateKey: "/etc/masterpool/ssl/server.key",
            clientCA: "/etc/masterpool/ssl/ca.pem", clientCRL: "/etc/masterpool/ssl/crl.pem",
            verifyClient: .required, sessionLifetime: .seconds(300)))
      ])
    let pool = try #require(settings.pools.first)
    #expect(
      pool.launch
        == LaunchPlan(
          command: ["my-master", "{port}", ""], environment: ["X": "1"], user: "puppet",
          workingDirectory: "{slot}", cache: CachePlan(wipe: ["x/y"], shared: ["/var/lib/puppet/yaml"])))
    #expect(
      pool.policy.recycle
        == RecyclePolicy(
          every: nil, jitter: 0, memory: .mebibytes(1), memoryLimit: .mebibytes(2), requests: 7, surge: 2,
          minReady: .count(1)))
    #expect(pool.policy.stop == StopPolicy(drain: .seconds(1), terminate: .seconds(2)))
    #expect(
      settings.routes == [
        Route(path: "/{certname}/", methods: ["PUT"], allow: .self, pool: pool.name, retry: true)
      ])
    #expect(settings.control.listen == .ip(host: "::1", port: 9))
    #expect(settings.proxyConfiguration.pools == [ProxiedPool(pool)])
  }

  @Test func longFileIsRefusedUnread() {
    let text = String(repeating: "#", count: Settings.maxFileBytes + 1)
    #expect(throws: Problems.self) {
      try Settings.read(text: text, file: "x.yaml", surroundings: FakeMachine())
    }
    #expect(problems(of: text, FakeMachine()).first?.what == "the file has 1048577 bytes")
  }

  @Test func puppetsReportsAndBucketAreMadeForItsWorkers() throws {
    let text = """
      listen: [{address: "127.0.0.1:1", tls: {certificate: ssl/server.pem, private_key: ssl/server.key, \
      client_ca: ssl/ca.pem}}]
      pools: {masters: {master: puppet, user: puppet, puppet: {confdir: /etc/puppet, bucketdir: /srv/bucket}}}
      """
    let settings = try Settings.read(
      text: text, file: "/etc/masterpool/masterpool.yaml", surroundings: FakeMachine())
    #expect(settings.pools.first?.launch.folders == ["/var/lib/masterpool/puppet/reports", "/srv/bucket"])
  }

  @Test func puppetNeedsWhatTheMachineLacks() {
    var bare = FakeMachine()
    bare.programs = [:]
    bare.mastersDirectory = nil
    let text = """
      listen: [{address: "0.0.0.0:8140", tls: {certificate: ssl/server.pem, private_key: ssl/server.key,
        client_ca: ssl/ca.pem}}]
      pools: {masters: {master: puppet, puppet: {confdir: /etc/puppet}}}
      """
    #expect(
      problems(of: text, bare).map(\.path) == ["pools.masters.puppet.ruby", "pools.masters.puppet.adapter"])
    bare.mastersDirectory = "/srv/masters"
    #expect(problems(of: text, bare).last?.what == "there is no file /srv/masters/puppet/worker.rb")
  }

  @Test func relativePathsStartInTheFilesFolder() throws {
    var machine = FakeMachine()
    machine.currentDirectory = "/srv"
    machine.addFolder("/srv/site/puppet")
    let text = """
      state_dir: ./state/
      run_dir: run
      listen: [{address: "127.0.0.1:1"}]
      pools: {a: {command: [my-master, "{socket}"], working_directory: puppet}}
      routes: [{path: /, allow: any, pool: a}]
      """
    let settings = try Settings.read(text: text, file: "site/x.yaml", surroundings: machine)
    #expect(settings.stateDirectory == "/srv/site/state")
    #expect(settings.control.socketPath == "/srv/site/run/control.sock")
    #expect(settings.pools.first?.launch.workingDirectory == "/srv/site/puppet")
  }

  @Test(arguments: [
    ("/etc/masterpool/masterpool.yaml", "/etc/masterpool/masterpool.d"), ("x.yml", "x.d"), ("x", "x.d"),
    ("a.yaml.yaml", "a.yaml.d"),
  ])
  func dropInsLieBesideTheirFile(_ file: String, _ folder: String) {
    #expect(Settings.dropInFolder(ofFile: file) == folder)
  }

  @Test(arguments: [("90-set.yaml", true), (".90-set.yaml", false), ("a.yaml~", false), ("a.yml", false)])
  func onlyWhatIsDoneIsADropIn(_ name: String, _ isOne: Bool) {
    #expect(Settings.isDropIn(name) == isOne)
  }

  @Test func aDropInsPathsStartInTheSettingsFilesFolder() throws {
    let text = """
      listen: [{address: "127.0.0.1:1"}]
      pools: {a: {command: [my-master, "{socket}"]}}
      routes: [{path: /, allow: any, pool: a}]
      """
    let settings = try Settings.read(
      [
        SettingsText(file: "/srv/site/x.yaml", text: text),
        SettingsText(file: "/srv/site/x.d/1.yaml", text: "state_dir: state"),
      ], surroundings: FakeMachine())
    #expect(settings.stateDirectory == "/srv/site/state")
  }

  private func problems(of text: String, _ machine: FakeMachine) -> [Problem] {
    do throws(Problems) {
      _ = try Settings.read(text: text, file: "x.yaml", surroundings: machine)
      return []
    } catch {
      return error.all
    }
  }
}
