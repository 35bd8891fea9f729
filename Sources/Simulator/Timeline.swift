/// How full the queue, the workers and the memory were, span by span.
public struct Timeline: Hashable, Sendable {
  public struct Span: Hashable, Sendable {
    /// Nanoseconds that it lasted, and sums over them.
    var length = 0.0
    var queue = 0.0
    var working = 0.0
    var ready = 0.0
    public var queueMost = 0
    public var readyLeast = Int.max
    public var memoryMost = 0.0

    public var queueMean: Double { length > 0 ? queue / length : 0 }
    public var workingMean: Double { length > 0 ? working / length : 0 }
    public var readyMean: Double { length > 0 ? ready / length : 0 }
  }

  public private(set) var spans: [Span]
  public let spanLength: Int64
  private(set) var spanEnd: Int64
  private var index = 0
  private var last: Int64 = 0
  private(set) var queued = 0
  private(set) var working = 0
  private var ready = 0
  /// The pool was full once: from then on it counts how few are ready.
  private var hasBegun = false

  init(length: Int64, spans: Int) {
    let count = max(1, spans)
    spanLength = max(1, length / Int64(count) + (length % Int64(count) == 0 ? 0 : 1))
    spanEnd = spanLength
    self.spans = Array(repeating: Span(), count: count)
  }

  @inline(__always) mutating func advance(to now: Int64) {
    while now >= spanEnd, index < spans.count - 1 {
      pass(to: spanEnd)
      index += 1
      spanEnd += spanLength
      open()
    }
    pass(to: now)
  }

  @inline(__always) private mutating func pass(to time: Int64) {
    let passed = Double(time - last)
    last = time
    spans[index].length += passed
    spans[index].queue += passed * Double(queued)
    spans[index].working += passed * Double(working)
    spans[index].ready += passed * Double(ready)
  }

  private mutating func open() {
    spans[index].queueMost = queued
    if hasBegun { spans[index].readyLeast = ready }
  }

  @inline(__always) mutating func queue(_ change: Int) {
    queued += change
    if queued > spans[index].queueMost { spans[index].queueMost = queued }
  }

  @inline(__always) mutating func work(_ change: Int) { working += change }

  mutating func serving(_ count: Int, of size: Int) {
    ready = count
    if count >= size { hasBegun = true }
    if hasBegun { spans[index].readyLeast = min(spans[index].readyLeast, count) }
  }

  mutating func note(memory: Double) { spans[index].memoryMost = max(spans[index].memoryMost, memory) }

  // MARK: Several boxes

  /// Sums where boxes add up; the worst box where each is on its own.
  mutating func merge(_ other: Timeline) {
    for index in spans.indices where index < other.spans.count {
      let (mine, theirs) = (spans[index], other.spans[index])
      spans[index].length += theirs.length
      spans[index].queue += theirs.queue
      spans[index].working += theirs.working
      spans[index].ready += theirs.ready
      spans[index].queueMost = max(mine.queueMost, theirs.queueMost)
      spans[index].readyLeast = min(mine.readyLeast, theirs.readyLeast)
      spans[index].memoryMost = max(mine.memoryMost, theirs.memoryMost)
    }
  }

  /// Over all of it.
  public var whole: Span {
    spans.reduce(into: Span()) { whole, span in
      whole.length += span.length
      whole.queue += span.queue
      whole.working += span.working
      whole.ready += span.ready
      whole.queueMost = max(whole.queueMost, span.queueMost)
      whole.readyLeast = min(whole.readyLeast, span.readyLeast)
      whole.memoryMost = max(whole.memoryMost, span.memoryMost)
    }
  }
}
