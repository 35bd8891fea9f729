import Foundation
import Pool

/// All events of a supervisor, followed over its control socket as Server-Sent Events.
public final class EventFeed: Sendable {
  private let events = Monitor<[Event]>([])

  /// - Parameter since: what happened before is of an earlier one; nil: it is wanted too.
  public init(control: String, since: Date? = nil) {
    Thread.detachNewThread { [events] in Self.follow(control, since, into: events) }
  }

  public var all: [Event] { events.read { $0 } }

  func first<Value: Sendable>(
    _ waitedFor: String, within time: Duration, _ body: @escaping @Sendable ([Event]) throws -> Value?
  ) async throws -> Value {
    try await events.first(waitedFor, before: .after(time), body)
  }

  /// Until the supervisor closes the connection.
  private static func follow(_ control: String, _ since: Date?, into events: Monitor<[Event]>) {
    let deadline = Deadline.after(.seconds(3600))
    guard let wire = try? Wire(to: .unix(control), before: deadline) else { return }
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let start = since.map { "&since=\($0.formatted(style))" } ?? ""
    let head = requestBytes("GET", "/v1/events?after=0\(start)", headers: [("Accept", "text/event-stream")])
    guard (try? wire.send(head, before: deadline)) != nil else { return }
    var buffer: [UInt8] = []
    while (try? wire.receive(into: &buffer, before: deadline)) == true {
      while let end = buffer.firstIndex(of: 10) {
        let line = buffer[..<end]
        buffer.removeFirst(end + 1)
        // Chunk sizes and other fields of the stream are other lines.
        guard line.starts(with: Array("data:".utf8)) else { continue }
        if let event = try? JSONDecoder().decode(Event.self, from: Data(line.dropFirst(5))) {
          events.update { list in
            if list.last.map({ $0.id < event.id }) ?? true { list.append(event) }
          }
        }
      }
    }
  }
}
