import Pool

/// What waits to be written: bounded, so that a slow disk costs rows and not memory.
struct Backlog {
  /// More are not taken; the events' sentences are in masterpool's log all the same.
  static let maxEvents = 10_000
  static let maxSamples = 50_000
  /// Of one transaction.
  static let batch = 1000

  struct Batch {
    var events: [Event] = []
    var samples: [WorkerSample] = []
    /// These are no more, and then those are as they are now.
    var gone: [String] = []
    var nodes: [NodeRow] = []
  }

  struct Loss: Hashable {
    var events = 0
    var samples = 0

    var isNone: Bool { self == Loss() }

    static func + (a: Loss, b: Loss) -> Loss { Loss(events: a.events + b.events, samples: a.samples + b.samples) }
  }

  private(set) var events: [Event] = []
  private(set) var samples: [WorkerSample] = []
  /// The latest of each, so that there are never more than nodes.
  private var nodes: [String: NodeRow] = [:]
  private var gone: Set<String> = []
  /// Since it was last told.
  var untold = Loss()
  /// In this process's life.
  private(set) var lost = Loss()
  /// Somebody will come for it.
  var isScheduled = false

  mutating func add(_ event: Event) {
    guard events.count < Self.maxEvents else { return lose(Loss(events: 1)) }
    events.append(event)
  }

  mutating func add(_ new: [WorkerSample]) {
    let room = max(0, Self.maxSamples - samples.count)
    samples += new.prefix(room)
    if new.count > room { lose(Loss(samples: new.count - room)) }
  }

  mutating func add(gone names: [String], nodes rows: [NodeRow]) {
    for name in names {
      nodes[name] = nil
      gone.insert(name)
    }
    for row in rows { nodes[row.name] = row }
  }

  mutating func lose(_ loss: Loss) {
    lost = lost + loss
    untold = untold + loss
  }

  /// The oldest; it stays until `remove`. Nil: there is nothing.
  var next: Batch? {
    guard !events.isEmpty || !samples.isEmpty || !nodes.isEmpty || !gone.isEmpty else { return nil }
    // All that is gone before the first that is there: one may be both.
    let leaving = gone.prefix(Self.batch)
    let staying = gone.count > leaving.count ? [] : Array(nodes.values.prefix(Self.batch))
    return Batch(
      events: Array(events.prefix(Self.batch)), samples: Array(samples.prefix(Self.batch)), gone: Array(leaving),
      nodes: staying)
  }

  mutating func remove(_ batch: Batch) {
    events.removeFirst(batch.events.count)
    samples.removeFirst(batch.samples.count)
    gone.subtract(batch.gone)
    // What has changed meanwhile is written again.
    for row in batch.nodes where nodes[row.name] == row { nodes[row.name] = nil }
  }
}
