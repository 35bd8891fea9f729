import ArgumentParser
import Hindsight
import Pool
import Simulator

/// A time on the command line.
struct SimulatedTime: ExpressibleByArgument {
  var duration: Duration

  init?(argument: String) {
    guard let duration = Duration(words: argument) else { return nil }
    self.duration = duration
  }
}

/// A time, or `off`.
struct SimulatedLimit<Value: Sendable>: ExpressibleByArgument, Sendable where Value: SimulatedWord {
  var value: Value?

  init?(argument: String) {
    guard argument != "off" else { return }
    guard let value = Value(words: argument) else { return nil }
    self.value = value
  }
}

/// What may stand where `off` may stand too.
protocol SimulatedWord {
  init?(words text: String)
}

extension Duration: SimulatedWord {}
extension ByteCount: SimulatedWord {}
extension Int: SimulatedWord {
  init?(words text: String) {
    guard let number = Int(text), number > 0 else { return nil }
    self = number
  }
}

extension Spread: ExpressibleByArgument {
  public init?(argument: String) { self.init(words: argument) }
}

extension Leak: ExpressibleByArgument {
  public init?(argument: String) { self.init(words: argument) }
}

extension Rate: ExpressibleByArgument {
  public init?(argument: String) { self.init(words: argument) }
}

private func given(_ options: [(parameter: Parameter, isGiven: Bool)]) -> Set<Parameter> {
  Set(options.filter(\.isGiven).map(\.parameter))
}

struct SimulatedAgents: ParsableArguments {
  @Option(help: "How many, on all boxes together. (default: 5000)") var agents: Int?
  @Option(help: ArgumentHelp("Between two runs of an agent. (default: 30m)", valueName: "time"))
  var interval: SimulatedTime?
  @Option(
    help: ArgumentHelp(
      "Over how much of the interval the agents' starts are spread; 0: cron starts all at once. (default: all of it)",
      valueName: "time"))
  var splay: SimulatedTime?
  @Option(
    help: ArgumentHelp("By how much a start may come late, each time anew. (default: 5s)", valueName: "time"))
  var startJitter: SimulatedTime?
  @Option(
    help: ArgumentHelp(
      "Percent that are older than 7.26 or 8.2 and fail at a refusal. (default: 0)", valueName: "percent"))
  var oldAgents: Double?

  func validate() throws {
    guard (0...SimulateCommand.mostAgents).contains(agents ?? 0) else {
      throw ValidationError("--agents takes up to \(SimulateCommand.mostAgents)")
    }
    if let interval, interval.duration < .seconds(1) { throw ValidationError("--interval takes 1s or more") }
    guard (0...100).contains(oldAgents ?? 0) else { throw ValidationError("--old-agents takes 0 to 100") }
  }

  var said: Set<Parameter> {
    given([
      (.agents, agents != nil),
      (.interval, interval != nil),
      (.splay, splay != nil),
      (.startJitter, startJitter != nil),
      (.oldAgents, oldAgents != nil),
    ])
  }

  func apply(to scenario: inout Scenario) {
    if let agents { scenario.agents.count = agents }
    if let interval {
      // Who starts at any time of the old interval does so in the new one.
      let isSpreadOut = scenario.agents.splay >= scenario.agents.interval
      scenario.agents.interval = interval.duration
      scenario.agents.splay = isSpreadOut ? interval.duration : min(scenario.agents.splay, interval.duration)
    }
    if let splay { scenario.agents.splay = splay.duration }
    if let startJitter { scenario.agents.jitter = startJitter.duration }
    if let oldAgents { scenario.agents.oldShare = oldAgents / 100 }
  }
}

struct SimulatedRuns: ParsableArguments {
  @Option(
    help: ArgumentHelp("How long a catalog keeps a worker: \(Spread.forms). (default: 1.2s±0.5)", valueName: "spread")
  )
  var compile: Spread?
  @Option(
    help: ArgumentHelp("The same for a report; 0: none reaches a worker. (default: 40ms±20)", valueName: "spread"))
  var report: Spread?
  @Option(
    help: ArgumentHelp("The same for a node request; 0: agents make none. (default: 0)", valueName: "spread"))
  var node: Spread?
  @Option(help: "Files and metadata of a run that workers answer for; the proxy answers for the rest. (default: 0)")
  var files: Int?
  @Option(help: ArgumentHelp("How long each of them keeps a worker. (default: 8ms±4)", valueName: "spread"))
  var file: Spread?
  @Option(
    help: ArgumentHelp("The agent's own time from catalog to report. (default: 20s±10)", valueName: "spread"))
  var apply: Spread?

  func validate() throws {
    guard (0...10_000).contains(files ?? 0) else { throw ValidationError("--files takes 0 to 10000") }
  }

  var said: Set<Parameter> {
    given([
      (.compile, compile != nil),
      (.report, report != nil),
      (.node, node != nil),
      (.files, files != nil),
      (.file, file != nil),
      (.apply, apply != nil),
    ])
  }

  func apply(to scenario: inout Scenario) {
    if let compile { scenario.run.catalog = compile }
    if let report { scenario.run.report = report.mean > .zero ? report : nil }
    if let node { scenario.run.node = node.mean > .zero ? node : nil }
    if let files { scenario.run.files = files }
    if let file { scenario.run.file = file }
    if let apply { scenario.run.apply = apply }
  }
}

struct SimulatedWorkers: ParsableArguments {
  @Option(help: ArgumentHelp("What they leak: \(Leak.forms). (default: none)", valueName: "leak"))
  var leak: Leak?
  @Option(help: ArgumentHelp("What one holds when it is ready. (default: 65MiB)", valueName: "size"))
  var birthMemory: SimulatedLimit<ByteCount>?
  @Option(help: ArgumentHelp("What it grows by in its first 50 requests. (default: 40MiB)", valueName: "size"))
  var plateau: SimulatedLimit<ByteCount>?
  @Option(help: ArgumentHelp("From its start until it is ready. (default: 0.8s±0.2)", valueName: "spread"))
  var start: Spread?
  @Option(help: ArgumentHelp("From SIGTERM to its end. (default: 0.2s±0.1)", valueName: "spread"))
  var stop: Spread?
  @Option(help: ArgumentHelp("What its first catalog takes more than others. (default: 500ms)", valueName: "time"))
  var warmUp: SimulatedTime?
  @Option(help: ArgumentHelp("How often one crashes: \(Rate.forms). (default: none)", valueName: "rate"))
  var crash: Rate?
  @Option(
    help: ArgumentHelp("How often one stops answering, in requests only. (default: none)", valueName: "rate"))
  var hang: Rate?
  @Option(help: "Cores of a box: more workers at work than those are slower. (default: as many as workers)")
  var cores: Int?
  @Option(
    help: ArgumentHelp(
      "What a box holds beside its workers: the proxy, a warm parent. (default: 0)", valueName: "size"))
  var otherMemory: SimulatedLimit<ByteCount>?

  func validate() throws {
    guard (1...100_000).contains(cores ?? 1) else { throw ValidationError("--cores takes 1 or more") }
    if let hang, hang.perHour > 0 {
      throw ValidationError("--hang takes a rate for each request, such as 0.01%/request")
    }
  }

  var said: Set<Parameter> {
    given([
      (.leak, leak != nil),
      (.birthMemory, birthMemory != nil),
      (.plateau, plateau != nil),
      (.start, start != nil),
      (.stop, stop != nil),
      (.warmUp, warmUp != nil),
      (.crash, crash != nil),
      (.hang, hang != nil),
      (.otherMemory, otherMemory != nil),
    ])
  }

  func apply(to scenario: inout Scenario) {
    if let leak { scenario.worker.growth.leak = leak }
    if let birthMemory { scenario.worker.growth.birth = birthMemory.value ?? ByteCount(bytes: 0) }
    if let plateau { scenario.worker.growth.plateau = plateau.value ?? ByteCount(bytes: 0) }
    if let start { scenario.worker.start = start }
    if let stop { scenario.worker.stop = stop }
    if let warmUp { scenario.worker.warmUp = warmUp.duration }
    if let crash { scenario.worker.crashes = crash }
    if let hang { scenario.worker.hangs = hang }
    if let cores { scenario.cores = cores }
    if let otherMemory { scenario.otherMemory = otherMemory.value ?? ByteCount(bytes: 0) }
  }
}

/// Where one is named, it wins over the file's.
struct SimulatedSettings: ParsableArguments {
  @Option(help: "Of each box. (default: 8)") var workers: Int?
  @Option(help: "Requests at once in one worker. (default: 1)") var concurrency: Int?
  @Option(help: ArgumentHelp("recycle.every, or off. (default: 15m)", valueName: "time"))
  var every: SimulatedLimit<Duration>?
  @Option(help: ArgumentHelp("recycle.jitter in percent. (default: 20)", valueName: "percent")) var jitter: Double?
  @Option(help: ArgumentHelp("recycle.memory, or off. (default: off)", valueName: "size"))
  var memory: SimulatedLimit<ByteCount>?
  @Option(help: ArgumentHelp("recycle.memory_limit, or off. (default: off)", valueName: "size"))
  var memoryLimit: SimulatedLimit<ByteCount>?
  @Option(help: ArgumentHelp("memory_budget, or off. (default: off)", valueName: "size"))
  var memoryBudget: SimulatedLimit<ByteCount>?
  @Option(help: ArgumentHelp("recycle.requests, or off. (default: off)", valueName: "number"))
  var requests: SimulatedLimit<Int>?
  @Option(help: ArgumentHelp("recycle.min_age. (default: 1m)", valueName: "time")) var minAge: SimulatedTime?
  @Option(help: "recycle.surge. (default: 1)") var surge: Int?
  @Option(help: ArgumentHelp("recycle.min_ready: 50% or a number. (default: 50%)", valueName: "share"))
  var minReady: String?
  @Option(help: "queue.limit. (default: 1000)") var queueLimit: Int?
  @Option(help: ArgumentHelp("queue.timeout. (default: 1m)", valueName: "time")) var queueTimeout: SimulatedTime?
  @Option(help: ArgumentHelp("stop.drain. (default: 1m)", valueName: "time")) var drain: SimulatedTime?
  @Option(help: ArgumentHelp("request_timeout. (default: 10m)", valueName: "time")) var requestTimeout: SimulatedTime?

  func validate() throws {
    guard (1...10_000).contains(workers ?? 1) else { throw ValidationError("--workers takes 1 to 10000") }
    guard (1...4096).contains(concurrency ?? 1) else { throw ValidationError("--concurrency takes 1 to 4096") }
    guard (0...1024).contains(surge ?? 0) else { throw ValidationError("--surge takes 0 to 1024") }
    guard (0...90).contains(jitter ?? 0) else { throw ValidationError("--jitter takes 0 to 90") }
    guard (0...100_000).contains(queueLimit ?? 0) else { throw ValidationError("--queue-limit takes 0 to 100000") }
    if let minReady, share(minReady) == nil { throw ValidationError("--min-ready takes 50% or a number of workers") }
    if let every = every?.value, every < .milliseconds(100) { throw ValidationError("--every takes 100ms or more") }
  }

  var said: Set<Parameter> {
    given([
      (.workers, workers != nil),
      (.concurrency, concurrency != nil),
      (.every, every != nil),
      (.jitter, jitter != nil),
      (.memory, memory != nil),
      (.memoryLimit, memoryLimit != nil),
      (.memoryBudget, memoryBudget != nil),
      (.requests, requests != nil),
      (.surge, surge != nil),
      (.minReady, minReady != nil),
      (.queueLimit, queueLimit != nil),
    ])
  }

  func apply(to scenario: inout Scenario) throws {
    if let workers { scenario.pool.size = workers }
    if let concurrency { scenario.pool.concurrency = concurrency }
    if let every { scenario.pool.recycle.every = every.value }
    if let jitter { scenario.pool.recycle.jitter = jitter / 100 }
    if let memory { scenario.pool.recycle.memory = memory.value }
    if let memoryLimit { scenario.pool.recycle.memoryLimit = memoryLimit.value }
    if let memoryBudget { scenario.pool.memoryBudget = memoryBudget.value }
    if let requests { scenario.pool.recycle.requests = requests.value }
    if let minAge { scenario.pool.recycle.minAge = minAge.duration }
    if let surge { scenario.pool.recycle.surge = surge }
    if let share = minReady.flatMap(share) { scenario.pool.recycle.minReady = share }
    if let queueLimit {
      scenario.pool.queue.limit = queueLimit
      scenario.pool.queue.ceiling = QueuePolicy.ceiling(above: queueLimit)
    }
    if let queueTimeout { scenario.pool.queue.timeout = queueTimeout.duration }
    if let drain { scenario.pool.stop.drain = drain.duration }
    if let requestTimeout { scenario.pool.requestTimeout = requestTimeout.duration }
    try refuseStandstill(scenario.pool)
  }

  /// As the settings' reader does.
  private func refuseStandstill(_ pool: PoolPolicy) throws {
    let wanted = pool.recycle.minReady.of(pool.size)
    guard pool.recycle.surge == 0, wanted >= pool.size else { return }
    throw ValidationError(
      "with --surge 0 a recycle leaves \(pool.size - 1) of \(pool.size) workers ready, and min_ready wants \(wanted)")
  }

  private func share(_ text: String) -> Share? {
    if text.hasSuffix("%") {
      return Int(text.dropLast()).flatMap { (0...100).contains($0) ? .percent($0) : nil }
    }
    return Int(text).flatMap { (0...10_000).contains($0) ? .count($0) : nil }
  }
}
