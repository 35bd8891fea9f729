import FoundationEssentials
import Pool

/// Takes Server-Sent Events apart as they arrive: the `data` lines of ours hold one event each.
struct StreamReader {
  /// A longer line is not from masterpool.
  static let maxLineBytes = 1 << 20

  private(set) var unread: [UInt8] = []

  /// The events that are whole now; nil where this is no stream of ours.
  mutating func take(_ bytes: [UInt8]) -> [Event]? {
    var events: [Event] = []
    for byte in bytes {
      guard byte == UInt8(ascii: "\n") else {
        unread.append(byte)
        if unread.count > Self.maxLineBytes { return nil }
        continue
      }
      if unread.starts(with: "data:".utf8) {
        guard let event = try? JSONDecoder().decode(Event.self, from: Data(unread.dropFirst(5))) else { return nil }
        events.append(event)
      }
      unread.removeAll(keepingCapacity: true)
    }
    return events
  }
}
