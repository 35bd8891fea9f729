import Pool
import TestSupport
import Testing

@testable import Control

/// The settings as they are asked for, set, and as a person reads of them.
@Suite struct SettingsTests {
  static let sample: [SettingsDocument.Setting] = [
    .init(
      key: "pools.masters.recycle.every", value: "20m", defaultValue: "15m", source: .set,
      by: "anna (uid 1000, pid 4711)", since: "2026-11-29T08:00:00.000Z", change: .live),
    .init(
      key: "pools.masters.workers", value: "3", defaultValue: "auto", source: .file, place: "masterpool.yaml:8",
      change: .live),
    .init(key: "control.listen", value: nil, defaultValue: nil, source: .default, change: .restart),
  ]

  @Test func theDocumentsArriveAsTheyWereSent() async throws {
    try await withServer { served async throws in
      let all = SettingsDocument(settings: Self.sample)
      let found = SettingsDifferences(
        differences: [.init(key: "a", running: nil, file: Self.sample[0])], problems: ["no"])
      served.supervisor.state.withLock { state in
        state.settings = all
        state.differences = found
      }
      #expect(try await served.client.settings() == all)
      #expect(try await served.client.settingsDifferences() == found)
    }
  }

  @Test func whatIsSetArrivesAndHasAValue() async throws {
    try await withServer { served async throws in
      let command = ControlCommand.set(["a.b": "[1, 2]", "c": ""], isPersistent: true)
      try await served.client.perform(command)
      #expect(served.supervisor.state.withLock(\.commands) == [command])
      for (body, words) in [
        (#"{"command":"set","values":{}}"#, "name a key"), (#"{"command":"set"}"#, "\\\"values\\\" is missing"),
        (#"{"command":"set","values":{"a":1}}"#, "values: a:"),
      ] {
        let response = try await request("POST", "/v1/commands", body: Array(body.utf8), at: .unix(served.socket))
        #expect(response.status == 400 && response.text.contains(words), "\(response.text)")
      }
    }
  }

  @Test func aLineForEachSetting() {
    #expect(
      SettingsPage.render(Self.sample, palette: .plain) == """
        SETTING                      VALUE    FROM                                                          A CHANGE IS
        pools.masters.recycle.every  20m      set by anna (uid 1000, pid 4711) at 2026-11-29T08:00:00.000Z  live
        pools.masters.workers        3        masterpool.yaml:8                                             live
        control.listen               not set  default                                                       restart

        """)
  }

  @Test func differencesAreOfValuesAndNotOfPlaces() {
    var file = Self.sample
    file[0] = .init(
      key: file[0].key, value: "15m", defaultValue: "15m", source: .file, place: "m.yaml:9", change: .live)
    file[1].place = "m.yaml:99"
    file[2] = .init(
      key: "proxy.threads", value: "2", defaultValue: "auto", source: .file, place: "m.yaml:3", change: .proxy)
    let found = SettingsDifferences(between: Self.sample, and: file)
    #expect(found.differences.map(\.key) == ["pools.masters.recycle.every", "control.listen", "proxy.threads"])
    #expect(
      SettingsPage.render(found, palette: .plain) == """
        SETTING                      RUNNING  IN THE FILES  FROM
        pools.masters.recycle.every  20m      15m           set by anna (uid 1000, pid 4711) at 2026-11-29T08:00:00.000Z
        control.listen               not set  -             default
        proxy.threads                -        2             m.yaml:3

        """)
    #expect(
      SettingsPage.render(SettingsDifferences(between: file, and: file), palette: .plain)
        == "What runs is what the files say.\n")
    #expect(
      SettingsPage.render(SettingsDifferences(differences: [], problems: ["x:1:1: a: no; yes"]), palette: .plain)
        == "A reload would be refused:\nx:1:1: a: no; yes\nNothing was set live.\n")
  }
}
