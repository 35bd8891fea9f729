import Foundation
import Pool
import TestSupport
import Testing

@testable import Control

/// etc/openapi/masterpool.yaml against the server.
@Suite struct DescriptionTests {
  let description: JSON
  let schema: JSONSchema

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    description = try JSON(
      yaml: String(contentsOf: root.appending(path: "etc/openapi/masterpool.yaml"), encoding: .utf8))
    schema = JSONSchema(document: description)
  }

  private var operations: [(path: String, method: String, operation: JSON)] {
    (description["paths"]?.members ?? [:]).flatMap { path, methods in
      methods.members.map { (path, $0.key.uppercased(), $0.value) }
    }
  }

  @Test func everyPlaceIsDescribedAndNoOther() {
    #expect(description["openapi"] == .string("3.1.0"))
    #expect(Set(operations.map(\.path)) == Set(ControlPlace.allCases.map(\.rawValue)))
    for place in ControlPlace.allCases {
      let methods = operations.filter { $0.path == place.rawValue }.map(\.method)
      #expect(methods == [place.takesCommands ? "POST" : "GET"], "\(place)")
    }
    let ids = operations.compactMap { $0.operation["operationId"]?.text }
    #expect(Set(ids).count == operations.count)
  }

  @Test func everyReferenceLeadsSomewhere() {
    var dangling: [String] = []
    func look(at value: JSON) {
      if let reference = value["$ref"], schema.resolve(reference) == .null { dangling.append(reference.text ?? "?") }
      value.members.values.forEach(look)
      value.items.forEach(look)
    }
    look(at: description)
    #expect(dangling == [])
  }

  @Test func everyAnswerIsOfItsSchema() async throws {
    try await withServer { served async throws in
      served.supervisor.fill()
      for (path, method, operation) in operations where method == "GET" {
        let response = try await request(method, path, at: served.address)
        #expect(response.status == 200, "\(path)")
        try check(response, by: operation, path)
      }
      served.supervisor.empty()
      let places = [
        "/v1/status", "/v1/events", "/v1/history", "/v1/samples", "/v1/nodes", "/v1/advice", "/v1/settings",
        "/v1/settings/differences", "/readyz",
      ]
      for path in places {
        let operation = operations.first { $0.path == path }?.operation ?? .null
        try check(try await request("GET", path, at: served.address), by: operation, path)
      }
    }
  }

  /// The body by the schema of the answer's status and type.
  private func check(_ response: HTTPResponse, by operation: JSON, _ path: String) throws {
    let answers = operation["responses"]
    let answer = schema.resolved(answers?[String(response.status)] ?? answers?["default"] ?? .null)
    let type = response.header("content-type")?.prefix { $0 != ";" } ?? "nothing"
    guard let rule = answer["content"]?[String(type)]?["schema"] else {
      Issue.record("\(path): \(response.status) of \(type) is not described")
      return
    }
    guard type == "application/json" else { return }
    let problems = schema.problems(of: try JSON(json: response.body), by: rule)
    #expect(problems == [], "\(path): \(response.text)")
  }

  @Test func everyParameterIsDescribedAndTaken() async throws {
    try await withServer { served async throws in
      served.supervisor.fill()
      for (path, method, operation) in operations where method == "GET" {
        let parameters = (operation["parameters"]?.items ?? []).map(schema.resolved)
        let described = parameters.filter { $0["in"] == .string("query") }
        for parameter in described {
          let name = parameter["name"]?.text ?? "?"
          let example = parameter["example"].map(Self.written) ?? ""
          let response = try await request("GET", "\(path)?\(name)=\(example)", at: served.address)
          #expect(response.status == 200, "\(path)?\(name)=\(example): \(response.text)")
        }
        // The server names those that it knows.
        let stranger = try await request("GET", "\(path)?stranger=1", at: served.address)
        guard !described.isEmpty else {
          #expect(stranger.status == 200)
          continue
        }
        let names = described.compactMap { $0["name"]?.text }
        let known =
          stranger.text.firstMatch(of: #/knows (.*), not stranger/#).map { $0.1.split(separator: ", ") } ?? []
        #expect(Set(known.map(String.init)) == Set(names), "\(path)")
        try check(stranger, by: operation, path)
      }
    }
  }

  private static func written(_ value: JSON) -> String {
    switch value {
    case .integer(let number): String(number)
    case .string(let text): text
    case .null, .bool, .number, .array, .object: "?"
    }
  }

  @Test func everyCommandIsOfItsSchema() throws {
    let rule = try #require(description["components"]?["schemas"]?["Command"])
    let slot = SlotID(pool: .masters, index: 1)
    let commands: [ControlCommand] = [
      .restart(targets: [], reason: .manual), .restart(targets: [.pool(.masters), .slot(slot)], reason: .deploy),
      .deploy([], environment: nil), .deploy([.masters], environment: "production"), .drain(slot), .resume(slot),
      .scale(.masters, size: 3), .release(node: "web7.example"), .reload, .upgrade, .stop,
      .testNotifications(receiver: nil), .testNotifications(receiver: "ops"),
      .set(["pools.masters.workers": "3", "proxy.threads": ""], isPersistent: true),
    ]
    for command in commands {
      let problems = schema.problems(of: try JSON(json: Array(JSONEncoder().encode(command))), by: rule)
      #expect(problems == [], "\(command)")
    }
    for wrong in [#"{"command":"explode"}"#, #"{"command":"drain"}"#, #"{"command":"stop","now":true}"#] {
      #expect(!schema.problems(of: try JSON(json: Array(wrong.utf8)), by: rule).isEmpty, "\(wrong)")
    }
  }

  @Test func repliesAndErrorsAreOfTheirSchemas() async throws {
    try await withServer { served async throws in
      let operation = operations.first { $0.path == "/v1/commands" }?.operation ?? .null
      let replies: [ControlReply] = [.accepted(message: "done", workers: [worker(0, 3)]), .refused(message: "no")]
      for reply in replies {
        served.supervisor.state.withLock { $0.reply = reply }
        let response = try await request(
          "POST", "/v1/commands", body: Array(#"{"command":"stop"}"#.utf8), at: .unix(served.socket))
        try check(response, by: operation, "/v1/commands")
      }
      try check(try await request("POST", "/v1/commands", at: .unix(served.socket)), by: operation, "400")
      try check(try await request("POST", "/v1/commands", at: served.address), by: operation, "403")
      let host = [("Host", "evil.example")]
      try check(try await request("POST", "/v1/commands", headers: host, at: served.address), by: operation, "host")
    }
    try await withServer(gate: .testing(token: ControlToken(Array(GateTests.secret.utf8), "token"))) {
      served async throws in
      let operation = operations.first { $0.path == "/v1/commands" }?.operation ?? .null
      try check(try await request("POST", "/v1/commands", at: served.address), by: operation, "401")
    }
  }

  /// A word that the code has and the description has not would be found only where an answer happens to hold it.
  @Test func theDescriptionsWordsAreTheCodes() {
    func words(_ name: String, _ member: String? = nil) -> [String] {
      let found = description["components"]?["schemas"]?[name]
      let rule = member.flatMap { found?["properties"]?[$0] } ?? found
      return (rule?["enum"]?.items ?? []).compactMap(\.text).sorted()
    }
    #expect(words("Event", "kind") == Event.Kind.allCases.map(\.rawValue).sorted())
    #expect(words("Node", "last_status") == RunStatus.allCases.map(\.rawValue).sorted())
    let parameters = description["paths"]?["/v1/nodes"]?["get"]?["parameters"]?.items ?? []
    let sorts = parameters.first { $0["name"] == .string("sort") }
    #expect(sorts?["schema"]?["enum"]?.items.compactMap(\.text) == NodeQuery.Sort.allCases.map(\.rawValue))
    #expect(words("Reason") == RecycleReason.allCases.map(\.rawValue).sorted())
  }

  @Test func whatIsNotDescribedIsFound() throws {
    let rule = try #require(description["components"]?["schemas"]?["Error"])
    #expect(schema.problems(of: try JSON(json: Array(#"{"error":"x"}"#.utf8)), by: rule) == [])
    for wrong in [#"{"error":"x","more":1}"#, "{}", #"{"error":1}"#, "[]"] {
      #expect(!schema.problems(of: try JSON(json: Array(wrong.utf8)), by: rule).isEmpty, "\(wrong)")
    }
  }
}

extension FakeSupervisor {
  /// Every member of every document has a value.
  func fill() {
    state.withLock { state in
      state.status.history = .init(trouble: "the disk is full", lostTotal: 3)
      state.nodes = .sample
      state.status.nodes = .init(state.nodes)
      state.status.proxy?.draining = [.init(pid: 90, generation: 0, connections: 2, requestsInFlight: 1)]
      state.status.pools[0].parents = [
        .init(generation: 2, pid: 90, state: "ready", ageSeconds: 185, memoryBytes: 34 << 20)
      ]
      var event = LedgerTests.document.exits[0]
      event.capture = "State: S"
      event.by = Caller.token(from: "127.0.0.1").description
      event.exit?.limit = "600MiB"
      state.events = [event]
      state.settings.settings = SettingsTests.sample
      state.differences = SettingsDifferences(
        differences: [.init(key: "a", running: SettingsTests.sample[0], file: SettingsTests.sample[1])],
        problems: ["x.yaml:1:1: a: no; yes"])
      state.history = LedgerTests.document
      state.advice = .full
      state.samples = [
        SampleRow(
          at: "2026-11-23T10:00:00.000Z", spanSeconds: 60, pool: .masters, slot: 0, generation: 3, pid: 110,
          samples: 6,
          memoryMeanBytes: 90_000_000, memoryMaxBytes: 91_000_000, requestsTotal: 5, requestsLost: 0,
          requestsInFlightMax: 1, requestsInFlightMean: 0.25)
      ]
    }
  }

  /// Nothing that need not be there is.
  func empty() {
    state.withLock { state in
      state.status.proxy = nil
      state.status.history = nil
      state.status.nodes = nil
      state.nodes = NodeBook()
      state.status.pools = [
        StatusDocument.Pool(
          name: .masters, size: 1, ready: 0, queueLength: 0, shedTotal: 0,
          workers: [
            StatusDocument.Worker(
              slot: 0, generation: 0, pid: nil, state: "empty", ageSeconds: nil, memoryBytes: nil, requestsTotal: 0,
              requestsInFlight: 0, lastRecycle: nil)
          ])
      ]
      state.events = [Event(id: 1, at: "2026-11-23T10:00:00.000Z", kind: .supervisor, message: "ready")]
      state.history = HistoryDocument(exits: [], summary: .init(byReason: []))
      state.samples = []
      state.advice = AdviceDocument(pools: [PoolAdvice(pool: .masters, verdict: .notEnoughData, sentence: "Wait.")])
      state.isReady = false
    }
  }
}

extension AdviceDocument {
  fileprivate static var full: AdviceDocument {
    var pool = PoolAdvice(pool: .masters, verdict: .leak, sentence: "It leaks.")
    pool.lives = 12
    pool.observedHours = 30.5
    pool.hoursMore = 2
    pool.perHour = .init(bytes: 20e6, low: 19e6, high: 21e6)
    pool.perRequest = .init(bytes: 2e4, low: -1, high: 3e4)
    pool.plateauBytes = 100 << 20
    pool.warmUpSeconds = 300
    pool.limitBytes = 1 << 30
    pool.secondsToLimit = .init(seconds: 36000, low: 35000, high: 40000)
    pool.restartsPerDay = [.init(reason: .timer, count: 96, capacitySeconds: 0.5)]
    pool.advice.everySeconds = 21600
    pool.advice.memoryBytes = 800 << 20
    pool.advice.requests = 5000
    pool.advice.workers = 4
    pool.reasons = ["every: so"]
    return AdviceDocument(pools: [pool])
  }
}
