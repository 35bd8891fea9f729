import Foundation
import Pool

/// All events of a supervisor, followed over its control socket as Server-Sent Events.
public final class EventFeed: Sendable {
  /// When each came, since the wall clock that it tells may step.
  public typealias Arrival = (event: Event, at: ContinuousClock.Instant)

  private let arrivals = Monitor<[Arrival]>([])

  /// - Parameter since: what happened before is of an earlier one; nil: it is wanted too.
  public init(control: String, since: Date? = nil) {
    Thread.detachNewThread { [arrivals] in Self.follow(control, since, into: arrivals) }
  }

  public var all: [Event] { arrivals.read { $0.map(\.event) } }
  public var allArrivals: [Arrival] { arrivals.read { $0 } }

  func first<Value: Sendable>(
    _ waitedFor: String, within time: Duration, _ body: @escaping @Sendable ([Event]) throws -> Value?
  ) async throws -> Value {
    try await arrivals.first(waitedFor, before: .after(time)) { try body($0.map(\.event)) }
  }

  /// Until the supervisor closes the connection.
  private static func follow(_ control: String, _ since: Date?, into arrivals: Monitor<[Arrival]>) {
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
          arrivals.update { list in
            if list.last.map({ $0.event.id < event.id }) ?? true { list.append((event, .now)) }
          }
        }
      }
    }
  }
}
