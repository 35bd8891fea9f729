import Foundation
import Pool
import Simulator
import TestSupport
import Testing

/// The simulator held against a real run: masterpool with stub masters whose every request takes a known time, agents
/// that come at known moments whatever becomes of the others, and the simulator with the same moments and times.
@Suite(.serialized) struct SimulatedTruthTests {
  /// All errors are told in these, the mean of what a request takes a worker: a slow machine makes no difference to what
  /// is expected, and little to what it measures.
  private static let service = Duration.milliseconds(200)
  private static let length = Duration.seconds(18)
  private static let workers = 4
  /// Of the workers' time.
  private static let utilisationError = 0.03
  /// Of a request's work, and on top of it of what the simulator says.
  private static let meanError = (work: 0.15, share: 0.25)
  private static let tailError = (work: 0.4, share: 0.25)
  /// Restarts of each reason, and on top of it of what the simulator says.
  private static let restartError = (count: 1.0, share: 0.15)

  struct Course: Sendable, CustomTestStringConvertible {
    var load: Double
    var every: Duration?
    var seed: UInt64
    /// By how many workers more the simulator has another queue.
    var wrong: [Int]

    var testDescription: String { "at \(Int(load * 100))%\(every == nil ? "" : ", with recycles")" }
  }

  /// What is compared; times in seconds.
  struct Figures: CustomStringConvertible {
    var utilisation: Double
    var mean: Double
    var tail: Double
    var restarts: [RecycleReason: Int]

    var description: String {
      let restarts = restarts.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
      return
        "utilisation \(round(utilisation * 1000) / 1000), in line \(round(mean * 1000)) ms on the average, 95% within "
        + "\(round(tail * 1000)) ms; restarts: \(restarts)"
    }

    func agrees(with simulated: Figures) -> Bool {
      abs(utilisation - simulated.utilisation) <= SimulatedTruthTests.utilisationError
        && restartsAs(simulated) && queuesAs(simulated)
    }

    private func restartsAs(_ simulated: Figures) -> Bool {
      let allowed = SimulatedTruthTests.restartError
      return Set(restarts.keys).union(simulated.restarts.keys).allSatisfy { reason in
        let (here, there) = (Double(restarts[reason, default: 0]), Double(simulated.restarts[reason, default: 0]))
        return abs(here - there) <= allowed.count + allowed.share * there
      }
    }

    func queuesAs(_ simulated: Figures) -> Bool {
      let work = SimulatedTruthTests.service.inSeconds
      let (allowedMean, allowedTail) = (SimulatedTruthTests.meanError, SimulatedTruthTests.tailError)
      return abs(mean - simulated.mean) <= allowedMean.work * work + allowedMean.share * simulated.mean
        && abs(tail - simulated.tail) <= allowedTail.work * work + allowedTail.share * simulated.tail
    }
  }

  @Test(arguments: [
    Course(load: 0.6, every: nil, seed: 1, wrong: [-1]), Course(load: 0.9, every: nil, seed: 2, wrong: [-1, 1]),
    Course(load: 0.75, every: .seconds(5), seed: 3, wrong: [-1]),
  ])
  func aRealPoolDoesAsTheSimulatorSays(_ course: Course) async throws {
    let trace = Trace(
      perSecond: course.load * Double(Self.workers) / Self.service.inSeconds, for: Self.length,
      work: .about(Self.service, deviation: Self.service / 2), seed: course.seed)
    let real = try await live(course, trace)
    let simulated = simulate(course, trace, real, workers: Self.workers)
    let told = "real: \(real.figures)\nsimulated: \(simulated)"
    #expect(real.figures.agrees(with: simulated), "\(told)")
    for more in course.wrong {
      let other = simulate(course, trace, real, workers: Self.workers + more)
      #expect(!real.figures.queuesAs(other), "not so with \(Self.workers + more) workers: \(other)")
    }
  }

  // MARK: The real one

  struct Life {
    var figures: Figures
    /// From its workers' birth until the first agent could come, and how long they take to get ready.
    var lead: Duration
    var start: Duration
    /// What a request took a worker beside what it was told to take, as the proxy saw it.
    var extra: Duration
    /// From the workers' birth until the last agent had its answer.
    var length: Duration
  }

  private func live(_ course: Course, _ trace: Trace) async throws -> Life {
    var setup = Setup()
    setup.workers = Self.workers
    let every = course.every.map { "\($0.components.seconds)s" } ?? "off"
    setup.pool = ["recycle: {every: \(every), jitter: 0%, min_age: 0s}", "stop: {drain: 20s, terminate: 5s}"]
    setup.stopLimit = .seconds(60)
    return try await withMasterpool(setup) { masterpool in
      let births = try births(masterpool)
      let lead = Date().timeIntervalSince1970 - births.first
      let outcomes = await crowd(trace, at: masterpool.address)
      let statuses = Set(outcomes.map(\.status))
      #expect(statuses == [200], "\(statuses)")
      let end = Date()
      let scrape = try await counted(trace, masterpool)
      let worked = try #require(scrape.sum("masterpool_worker_duration_seconds_sum", #"pool="stubs""#))
      let ended = masterpool.exits.filter { (Self.seconds($0.at) ?? 0) <= end.timeIntervalSince1970 }
      let exits = Dictionary(grouping: ended.compactMap(\.exit?.reason)) { $0 }.mapValues(\.count)
      let extra = (worked - trace.workSeconds) / Double(trace.requests.count)
      return Life(
        figures: figures(outcomes, trace, worked: worked, restarts: exits), lead: .seconds(lead),
        start: .seconds(births.taken), extra: .seconds(max(0, extra)),
        length: .seconds(end.timeIntervalSince1970 - births.first))
    }
  }

  /// Once the proxy has told of all requests.
  private func counted(_ trace: Trace, _ masterpool: Masterpool) async throws -> Scrape {
    let deadline = Deadline.after(.seconds(60))
    while !deadline.passed {
      let scrape = try await Scrape(at: masterpool.controlSocket)
      let count = scrape.sum("masterpool_worker_duration_seconds_count", #"pool="stubs""#) ?? 0
      if Int(count) >= trace.requests.count { return scrape }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw TimedOut("the count of all requests")
  }

  private static func seconds(_ text: String) -> Double? {
    (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))?.timeIntervalSince1970
  }

  /// When the first worker was started, and what they took on the average.
  private func births(_ masterpool: Masterpool) throws -> (first: Double, taken: Double) {
    func times(_ kind: Event.Kind) -> [Double] {
      masterpool.events.filter { $0.kind == kind }.compactMap { Self.seconds($0.at) }
    }
    let (started, ready) = (times(.spawn), times(.ready))
    try #require(started.count == Self.workers && ready.count == Self.workers)
    let first = try #require(started.min())
    return (first, max(0.01, (ready.reduce(0, +) - started.reduce(0, +)) / Double(Self.workers)))
  }

  private func crowd(_ trace: Trace, at address: Address) async -> [Crowd.Outcome] {
    let agents = trace.requests.map { request in
      let head = "GET /work?ms=\(Int(request.work.inSeconds * 1000)) HTTP/1.1\r\nHost: localhost\r\n\r\n"
      return (start: request.at.wholeNanoseconds, request: Array(head.utf8))
    }
    return await withCheckedContinuation { done in
      Thread.detachNewThread {
        var crowd = Crowd(agents, at: address)
        done.resume(returning: crowd.run(before: .after(.seconds(120))))
      }
    }
  }

  /// An agent stood in line for all of its time but the work, and but what those took that did not wait.
  private func figures(
    _ outcomes: [Crowd.Outcome], _ trace: Trace, worked: Double, restarts: [RecycleReason: Int]
  ) -> Figures {
    let delays = zip(outcomes, trace.requests).map { outcome, request in
      Double(outcome.ended - outcome.began) / 1e9 - request.work.inSeconds
    }.sorted()
    let waits = delays.map { max(0, $0 - delays[delays.count / 20]) }
    return Figures(
      utilisation: worked / Self.length.inSeconds / Double(Self.workers),
      mean: waits.reduce(0, +) / Double(max(1, waits.count)), tail: waits[waits.count * 95 / 100], restarts: restarts)
  }

  // MARK: The simulated one

  private func simulate(_ course: Course, _ trace: Trace, _ real: Life, workers: Int) -> Figures {
    var scenario = Scenario()
    scenario.pool = PoolPolicy(
      size: workers, recycle: RecyclePolicy(every: course.every, jitter: 0, minAge: .zero),
      stop: StopPolicy(drain: .seconds(20), terminate: .seconds(5)))
    scenario.worker.start = .always(real.start)
    scenario.worker.stop = .always(.milliseconds(20))
    scenario.worker.warmUp = .zero
    scenario.length = max(real.length, real.lead + Self.length)
    let later = Trace(trace.requests.map { .init(at: $0.at + real.lead, work: $0.work + real.extra) })
    var rehearsal = Rehearsal(scenario, trace: later)
    rehearsal.run()
    let outcome = rehearsal.finished()
    let worked = outcome.utilisation * scenario.length.inSeconds * Double(workers)
    return Figures(
      utilisation: worked / Self.length.inSeconds / Double(workers), mean: outcome.waits.meanSeconds,
      tail: outcome.waits.quantileSeconds(0.95), restarts: outcome.restarts.mapValues(\.count))
  }
}
