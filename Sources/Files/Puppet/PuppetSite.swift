import Pool
import Synchronization

/// One pool's environments and mounts, looked at again when they have been known for the time of trust.
final class PuppetSite: Sendable {
  let plan: PuppetFilePlan
  let reader: Reader
  let times: LocalTime
  let checksums: ChecksumCache
  let limits: FileLimits
  private let known = Mutex(Known())
  private let looking = OnceAtATime<String, World?>()
  private let telling = OnceForAll<PuppetRequest, FileOutcome>()

  /// Answers about trees; their bytes have a limit in the settings.
  private static let maxLists = 64

  private struct Known {
    var worlds: [String: World] = [:]
    /// Answers to searches.
    var lists: [PuppetRequest: (body: ReadyBody, until: Int64)] = [:]
    var listBytes = 0
  }

  init(_ plan: PuppetFilePlan, within limits: FileLimits, checksums: ChecksumCache) {
    self.plan = plan
    self.limits = limits
    reader = Reader(plan.identity)
    times = LocalTime(agreeingWith: plan.utcOffsets)
    self.checksums = checksums
  }

  /// Opens a file at most.
  func look(_ request: PuppetRequest) -> FileAnswer {
    let now = Moment.steady()
    let (world, list) = known.withLock { known in
      (known.worlds[request.environment], request.kind == .metadatas ? known.lists[request] : nil)
    }
    if let list, list.until > now { return .body(list.body) }
    guard let world, world.until > now else { return .later(job(request)) }
    guard world.environment.standing == .sound else { return .notOurs }
    guard request.kind != .metadatas else { return .later(job(request)) }
    switch Search(request, in: world, of: self, mayWork: false).outcome() {
    case .success(let outcome): return outcome.answer
    case .failure(.doubt): return .notOurs
    case .failure(.work): return .later(job(request))
    }
  }

  /// An open file is one agent's own. What is hashed or listed is for all who ask for it meanwhile, and none of them
  /// keeps a thread from other work.
  private func job(_ request: PuppetRequest) -> FileJob {
    switch request.kind {
    case .content: FileJob { self.work(on: request) }
    case .metadata, .metadatas:
      FileJob(delivering: { deliver in self.telling.tell(deliver, request) { self.work(on: request) } })
    }
  }

  private func work(on request: PuppetRequest) -> FileOutcome {
    guard let world = currentWorld(request.environment) else { return .notOurs }
    guard request.kind == .metadatas else { return outcome(of: request, in: world) }
    if let list = known.withLock({ $0.lists[request] }), list.until > Moment.steady() { return .body(list.body) }
    let until = Moment.steady() + limits.trust.wholeNanoseconds
    let outcome = outcome(of: request, in: world)
    if case .body(let body) = outcome { keep(body, for: request, until: until) }
    return outcome
  }

  private func outcome(of request: PuppetRequest, in world: World) -> FileOutcome {
    switch Search(request, in: world, of: self, mayWork: true).outcome() {
    case .success(let outcome): outcome
    case .failure: .notOurs
    }
  }

  private func keep(_ body: ReadyBody, for request: PuppetRequest, until: Int64) {
    known.withLock { known in
      if known.lists.count >= Self.maxLists || known.listBytes > limits.listMemory.bytes {
        known.lists = [:]
        known.listBytes = 0
      }
      known.listBytes += body.bytes.count
      known.lists[request] = (body, until)
    }
  }
}

/// What an environment was seen to be, and the custom mounts beside it.
struct World: Sendable {
  var environment: EnvironmentIndex
  var mounts: MountTable
  /// Nanoseconds on the steady clock.
  var until: Int64
}

extension PuppetSite {
  /// Nil: there is no such environment, or it is not sure what Puppet makes of it.
  private func currentWorld(_ name: String) -> World? {
    let world = looking.value(name) { lookAgain(name) }
    return world?.environment.standing == .sound ? world : nil
  }

  private func lookAgain(_ name: String) -> World? {
    let now = Moment.steady()
    let last = known.withLock { $0.worlds[name] }
    if let last, last.until > now { return last }
    let environment =
      last.map(\.environment).flatMap { $0.stands ? $0 : nil }
      ?? EnvironmentIndex(name, plan: plan, reader: reader, maxModules: limits.modules)
    let mounts =
      last.map(\.mounts).flatMap { $0.stands ? $0 : nil } ?? MountTable(plan.fileServerConfig, reader: reader)
    // Names that are none would fill it.
    guard environment.standing != .absent else {
      known.withLock { $0.worlds[name] = nil }
      return nil
    }
    let world = World(environment: environment, mounts: mounts, until: now + limits.trust.wholeNanoseconds)
    known.withLock { known in
      if known.worlds.count >= limits.environments, last == nil { known.worlds = [:] }
      known.worlds[name] = world
    }
    return world
  }
}

extension FileOutcome {
  fileprivate var answer: FileAnswer {
    switch self {
    case .notOurs: .notOurs
    case .file(let file): .file(file)
    case .body(let body): .body(body)
    }
  }
}
