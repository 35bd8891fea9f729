import FoundationEssentials
import Hummingbird
import NIOCore
import Pool
import ServiceLifecycle

/// How patient an event stream is; tests are less so.
struct FollowerPace: Sendable {
  var heartbeat = ControlLimit.heartbeat
  var patience = ControlLimit.slowFollower
}

/// One follower's Server-Sent Events: the ledger from where it left off, then what happens, each event once.
struct EventStream: Sendable {
  let controlled: any Controlled
  let query: EventQuery
  let channel: any Channel
  let pace: FollowerPace

  private enum Signal: Sendable {
    case event(Event)
    case heartbeat
  }

  func write(to writer: inout any ResponseBodyWriter) async throws {
    // Followed before the ledger is read, so that nothing falls between the two.
    let live = await controlled.liveEvents()
    var last = try await replay(to: &writer)
    try await follow(live, after: &last, to: &writer)
    try await writer.finish(nil)
  }

  /// The number of the last event written.
  private func replay(to writer: inout any ResponseBodyWriter) async throws -> Int? {
    // The head goes out at once, though nothing may have happened yet.
    try await write(":\n\n", to: &writer)
    let first = await controlled.page(query)
    try await write(first, to: &writer)
    var last = first.last?.id ?? query.after
    if query.after != nil { try await catchUp(&last, to: &writer) }
    return last
  }

  private func follow(
    _ live: AsyncStream<Event>, after last: inout Int?, to writer: inout any ResponseBodyWriter
  ) async throws {
    let (signals, mailbox) = AsyncStream.makeStream(
      of: Signal.self, bufferingPolicy: .bufferingOldest(ControlLimit.followerBacklog))
    let feeder = Task {
      for await event in live.cancelOnGracefulShutdown() { mailbox.yield(.event(event)) }
      mailbox.finish()
    }
    let clock = Task {
      while (try? await Task.sleep(for: pace.heartbeat)) != nil { mailbox.yield(.heartbeat) }
    }
    defer {
      feeder.cancel()
      clock.cancel()
    }
    for await signal in signals {
      switch signal {
      case .event(let event): try await write(event, after: &last, to: &writer)
      case .heartbeat:
        try await catchUp(&last, to: &writer)
        try await write(":\n\n", to: &writer)
      }
    }
    // At a shutdown: the last words, which may not have come through the mailbox.
    try await catchUp(&last, to: &writer)
  }

  private func write(_ event: Event, after last: inout Int?, to writer: inout any ResponseBodyWriter) async throws {
    if let before = last {
      guard event.id > before else { return }
      // The mailbox was full: the ledger has what is missing, and this one.
      if event.id > before + 1 { return try await catchUp(&last, to: &writer) }
    }
    if query.filter.matches(event) { try await write([event], to: &writer) }
    last = event.id
  }

  /// Whatever the ledger has beyond `last`.
  private func catchUp(_ last: inout Int?, to writer: inout any ResponseBodyWriter) async throws {
    guard var id = last else { return }
    while true {
      let page = await controlled.events(after: id, limit: ControlLimit.followerBacklog)
      guard let newest = page.last?.id, newest > id else { break }
      try await write(page.filter(query.filter.matches), to: &writer)
      id = newest
    }
    last = id
  }

  private func write(_ events: [Event], to writer: inout any ResponseBodyWriter) async throws {
    for event in events { try await write(ServerSentEvent.text(event), to: &writer) }
  }

  /// A follower that does not take it in time loses its connection, and thereby ends this stream.
  private func write(_ text: String, to writer: inout any ResponseBodyWriter) async throws {
    let drop = channel.eventLoop.scheduleTask(in: TimeAmount(pace.patience)) { [channel] in
      channel.close(promise: nil)
    }
    defer { drop.cancel() }
    try await writer.write(ByteBuffer(string: text))
  }
}

/// The wire form of one event.
enum ServerSentEvent {
  static func text(_ event: Event) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Fails only on a number that JSON has not; the follower then sees a gap in the numbers.
    guard let data = try? encoder.encode(event) else { return ":\n\n" }
    return "id: \(event.id)\nevent: \(event.kind.rawValue)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
  }
}
