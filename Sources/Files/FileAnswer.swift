/// What the desk knows of a request. Whoever gets it owns what is in it.
public enum FileAnswer: Sendable {
  /// A worker's matter.
  case notOurs
  case file(OpenFile)
  case body(ReadyBody)
  /// It takes reading or hashing, which no event loop waits for.
  case later(FileJob)
}

/// What a job came to.
public enum FileOutcome: Sendable {
  case notOurs
  case file(OpenFile)
  case body(ReadyBody)
}

/// Work for any thread that may wait.
public struct FileJob: Sendable {
  public typealias Delivery = @Sendable (FileOutcome) -> Void

  private let work: @Sendable (@escaping Delivery) -> Void

  public init(_ work: @escaping @Sendable () -> FileOutcome) { self.work = { $0(work()) } }

  init(delivering work: @escaping @Sendable (@escaping Delivery) -> Void) { self.work = work }

  /// Delivers once: before it returns, or on the thread that is at the same work already, when that is done.
  public func run(_ deliver: @escaping Delivery) { work(deliver) }
}

/// An answer's body that is in memory, shared by all who are sent it.
public final class ReadyBody: Sendable {
  public let bytes: [UInt8]
  public let contentType: StaticString

  public init(_ bytes: [UInt8], contentType: StaticString) {
    self.bytes = bytes
    self.contentType = contentType
  }
}
