import Foundation
import Pool
import Simulator
import Testing

@testable import Hindsight

/// What is said of what was taken, and of what could not be.
@Suite struct ToldTests {
  static let missing:
    [(name: String, change: @Sendable (inout Past) -> Void, said: Set<Parameter>, words: [String])] = [
      (
        "nothing is there", { $0 = Past(pool: .masters) }, [],
        ["--agents", "--interval", "--compile", "requests:", "--workers"]
      ),
      (
        "no node is known", { $0.nodes = [] }, [],
        ["how many agents there are: no node is known; --agents 1200 says it instead", "--compile"]
      ),
      ("what is missing is said", { $0.nodes = [] }, [.agents, .compile, .interval], []),
      (
        "two catalogs are none",
        { for index in $0.nodes.indices.dropFirst(2) { $0.nodes[index].catalogSeconds = nil } }, [],
        ["how long catalogs take: 2 nodes with a known one"]
      ),
      (
        "agents go elsewhere",
        { past in
          past.lives = past.lives.map { life in
            var life = life
            for index in life.points.indices { life.points[index].requests /= 20 }
            return life
          }
          past.exits = []
        }, [], ["for each run of its agents"]
      ),
    ]

  @Test(arguments: missing.indices) func whatIsMissingIsNamedWithTheOptionThatSaysIt(_ index: Int) {
    let (name, change, said, words) = Self.missing[index]
    var past = Bygone().past
    change(&past)
    var text = ""
    do {
      _ = try Derivation.derive(past, said: .init(said, agents: 400, interval: .seconds(1800)))
      #expect(words.isEmpty, "\(name)")
    } catch { text = "\(error)" }
    for word in words { #expect(text.contains(word), "\(name): \(text)") }
    #expect(text.isEmpty == words.isEmpty, "\(name): \(text)")
  }

  /// An agents' number that is only a wish does not change what each of them asks for.
  @Test func anOverriddenNumberIsMarkedAndChangesNoOther() throws {
    let past = Bygone(files: 20).past
    let plain = try Derivation.derive(past)
    let (scenario, derived) = try Derivation.derive(past, said: .init([.agents, .stop], agents: 4000))
    #expect(scenario.run == plain.scenario.run)
    let marked = (derived.found + derived.assumed).filter(\.overridden).map(\.option)
    #expect(marked == ["--agents", "--stop"])
    #expect(derived.text.contains("overridden; nodes seen"), "\(derived.text)")
  }

  @Test func theTextAndTheJSONSayWhatWasTakenAndWhatWasNot() throws {
    let derived = try Derivation.derive(Bygone().past).derived
    let text = derived.text
    for words in [
      "taken from 12 hours of pool masters: ", "400 nodes", "--interval      30m", "not in the ledger, so as usual:",
      "--other-memory",
    ] { #expect(text.contains(words), "\(words) in \(text)") }
    let data = try JSONEncoder().encode(derived)
    #expect(try JSONDecoder().decode(Derived.self, from: data) == derived)
    let keys = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(keys.keys) == ["pool", "days", "requests", "exits", "nodes", "found", "assumed"])
    let values = try #require((keys["found"] as? [[String: Any]])?.first)
    #expect(Set(values.keys) == ["option", "value", "source", "overridden"])
    let options = (derived.found + derived.assumed).map(\.option)
    #expect(Set(options).count == options.count, "each once: \(options)")
  }

  /// Lived through again, it asks for as much and recycles as often as it did, within a twentieth.
  @Test(arguments: [Bygone(files: 10, slots: 6, every: 3600), Bygone(agents: 900, splay: 900, slots: 8)])
  func whatWasDerivedComesToWhatWas(_ bygone: Bygone) throws {
    let past = bygone.past
    var scenario = try Derivation.derive(past).scenario
    scenario.length = .seconds(bygone.hours * 3600)
    var rehearsal = Rehearsal(scenario)
    rehearsal.run()
    let outcome = rehearsal.finished()
    let requests = Watch(past).requests
    #expect(abs(Double(outcome.requests - requests)) < 0.05 * Double(requests), "\(outcome.requests) of \(requests)")
    let timers = outcome.restarts[.timer]?.count ?? 0
    let ends = past.exits.count
    #expect(abs(Double(timers - ends)) < 0.1 * Double(ends) + 2, "\(timers) of \(ends)")
  }

  static let page = """
    # TYPE masterpool_worker_duration_seconds histogram
    masterpool_worker_duration_seconds_bucket{class="catalog",le="1",pool="masters"} 10
    masterpool_worker_duration_seconds_bucket{class="catalog",le="2",pool="masters"} 90
    masterpool_worker_duration_seconds_bucket{class="catalog",le="+Inf",pool="masters"} 100
    masterpool_worker_duration_seconds_sum{class="catalog",pool="masters"} 150
    masterpool_worker_duration_seconds_count{class="catalog",pool="masters"} 100
    masterpool_worker_duration_seconds_count{class="report",pool="masters"} 0
    masterpool_worker_duration_seconds_count{class="file",pool="others"} 7
    masterpool_worker_duration_seconds_count{class="file"
    masterpool_worker_duration_seconds_count{class="file",pool="masters"} nan
    masterpool_queue_duration_seconds_count{class="file",pool="masters"} 9
    """

  @Test func classesAreReadFromTheMetrics() throws {
    let classes = Past.ClassTimes.read(metrics: Self.page, of: .masters)
    #expect(Array(classes.keys) == [.catalog])
    let catalog = try #require(classes[.catalog])
    #expect(catalog.count == 100 && catalog.meanSeconds == 1.5)
    #expect(abs(catalog.deviationSeconds - 0.22) < 0.01, "\(catalog.deviationSeconds)")
    #expect(Past.ClassTimes.read(metrics: "no page at all {\n}", of: .masters).isEmpty)
  }
}
