import Pool
import Settings
import Testing

/// What each key comes to and who said so, and what is set above the files.
@Suite struct AccountTests {
  static let text = """
    listen: [{address: "127.0.0.1:1"}]
    proxy:
      threads: 2
    pools:
      masters:
        command: [my-master, "{socket}", "a, b"]
        environment: {LANG: C, PASSWORD: "geheim"}
        workers: 3
        recycle: {every: 15m, memory: off}
    routes: [{path: /, allow: any, pool: masters}]
    """

  private func read(
    _ overrides: [(String, String)] = [], dropIn: String = ""
  ) throws(Problems) -> [String: SettingsDocument.Setting] {
    let texts = [
      SettingsText(file: "m.yaml", text: Self.text), SettingsText(file: "m.d/1.yaml", text: dropIn),
    ]
    let settings = try Settings.read(
      texts,
      overrides: overrides.map { SettingOverride(key: $0.0, value: $0.1, by: "anna", at: "2026-11-29T08:00:00Z") },
      surroundings: FakeMachine())
    return Dictionary(uniqueKeysWithValues: settings.account.map { ($0.key, $0) })
  }

  private func problems(_ overrides: [(String, String)]) -> [String] {
    do throws(Problems) {
      _ = try read(overrides)
      return []
    } catch {
      return error.all.map(\.description)
    }
  }

  @Test func ofReceiversIsToldWhatIsNoSecret() throws {
    let receivers =
      "[{name: ops, url: 'https://hooks.example.com/geheim', headers: {Authorization: geheim}}, "
      + "{name: b, url_file: ssl/control.token}]"
    let found = try read([("notify.receivers", receivers)])
    #expect(
      found["notify.receivers"]?.value
        == "[{name: ops, url: https://hooks.example.com/…, headers: {Authorization: …}}, "
        + "{name: b, url_file: ssl/control.token}]")
    let usual = try read()
    #expect(usual["notify.receivers"]?.value == "[]")
    #expect(usual["notify.group_by"]?.value == "[pool]")
  }

  @Test func everyKeyIsToldWithItsDefaultAndItsPlace() throws {
    let found = try read(dropIn: "# one\npools: {masters: {recycle: {jitter: 5%}, queue: {limit: 7}}}")
    func expect(
      _ key: String, _ value: String?, or usual: String?, _ place: String?, _ change: SettingChange = .live
    ) {
      let expected = SettingsDocument.Setting(
        key: key, value: value, defaultValue: usual, source: place == nil ? .default : .file, place: place,
        change: change)
      #expect(found[key] == expected)
    }
    expect("proxy.threads", "2", or: "auto", "m.yaml:3", .proxy)
    expect("proxy.idle_timeout", "1m15s", or: "1m15s", nil, .proxy)
    expect("pools.masters.workers", "3", or: "auto", "m.yaml:8")
    expect("pools.masters.recycle.every", "15m", or: "15m", "m.yaml:9")
    expect("pools.masters.recycle.memory", "off", or: "off", "m.yaml:9")
    expect("pools.masters.recycle.jitter", "5%", or: "20%", "m.d/1.yaml:2")
    expect("pools.masters.recycle.min_ready", "50%", or: "50%", nil)
    expect("pools.masters.recycle.near_budget", "90%", or: "90%", nil)
    expect("pools.masters.recycle.measure", "pss", or: "pss", nil)
    expect("pools.masters.recycle.windows", "[]", or: "[]", nil)
    expect("pools.masters.queue.limit", "7", or: "1000", "m.d/1.yaml:2", .proxy)
    expect("pools.masters.queue.retry_after.min", "5s", or: "5s", nil, .proxy)
    expect("pools.masters.preload", "no", or: "no", nil)
    expect("pools.masters.user", nil, or: nil, nil, .recycle)
    expect("pools.masters.command", "[my-master, \"{socket}\", \"a, b\"]", or: nil, "m.yaml:6", .recycle)
    expect("routes", "[{path: /, allow: any, pool: masters}]", or: nil, "m.yaml:10", .proxy)
    expect("state_dir", "/var/lib/masterpool", or: "/var/lib/masterpool", nil, .restart)
    expect("control.listen", nil, or: nil, nil, .restart)
    // What may be secret is not told.
    expect("pools.masters.environment", "{LANG: …, PASSWORD: …}", or: nil, "m.yaml:7", .recycle)
    #expect(found["pools.masters.puppet.confdir"] == nil, "a command has no Puppet")
  }

  @Test func whatIsSetStandsAboveAllFiles() throws {
    let found = try read(
      [
        ("pools.masters.recycle.every", "20m"), ("pools.masters.environment", "{TZ: UTC}"),
        ("pools.masters.recycle.every", "25m"), ("control.allow_hosts", "[]"), ("control.listen", "127.0.0.1:9"),
      ], dropIn: "pools: {masters: {recycle: {every: 1h}}}")
    let every = try #require(found["pools.masters.recycle.every"])
    #expect(
      every
        == .init(
          key: "pools.masters.recycle.every", value: "25m", defaultValue: "15m", source: .set, by: "anna",
          since: "2026-11-29T08:00:00Z", change: .live))
    #expect(found["pools.masters.environment"]?.value == "{LANG: …, PASSWORD: …, TZ: …}")
    #expect(found["pools.masters.environment"]?.source == .set)
    #expect(found["pools.masters.recycle.memory"]?.source == .file)
  }

  static let refused: [(String, String, String)] = [
    (
      "pools.masters.workers", "0",
      "pools.masters.workers: 0 is too small; write auto, or a number from 1 to 1024"
    ),
    ("pools.masters.recycle.evry", "1m", "pools.masters.recycle.evry: unknown key; write every"),
    ("pools.master.workers", "1", "pools.master.workers: there is no pool master; write masters"),
    ("pools.masters.recycle", "off", "pools.masters.recycle: it is a section; write one of its keys, such as "),
    ("pools", "{}", "pools: it is a section; write one of its keys, such as pools.NAME.workers=…"),
    ("routes[0].path", "/", "\"routes[0].path\": a list is set as a whole; write routes=[…] with all its members"),
    ("routes.0", "/", "routes.0: a list is set as a whole; write routes=[…]"),
    ("pools..workers", "1", "pools..workers: it is not a setting's name; write one such as"),
    ("", "1", "\"\": it is not a setting's name"),
    ("routes", "[{path: /", "routes: the mapping that opens at 1:2 is not closed; write , or } here"),
    ("proxy.threads", "# 2", "proxy.threads: it is empty; write a value after the ="),
    ("proxy.threads.x", "2", "proxy.threads: it is a mapping; write auto, or a number from 1 to 256"),
  ]

  @Test(arguments: refused) func isRefusedInTheReadersWords(_ key: String, _ value: String, _ words: String) {
    let problems = problems([(key, value)])
    #expect(problems.count == 1 && problems.first?.hasPrefix(words) == true, "\(problems)")
  }

  @Test func allProblemsAreToldAtOnceAlsoTheFiles() {
    let problems = problems([
      ("pools.masters.recycle.memory_limit", "1MiB"), ("pools.masters.recycle.memory", "2MiB"),
      ("pools.masters.alive.every", "3"),
    ])
    #expect(
      problems == [
        "pools.masters.recycle.memory: 2MiB is not below memory_limit (1MiB), so no worker would go gracefully; "
          + "write less than 1MiB",
        "pools.masters.alive.every: 3 has no unit; write 3s or 3m",
      ])
  }
}
