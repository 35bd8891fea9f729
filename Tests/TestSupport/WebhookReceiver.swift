import Foundation

/// Takes notifications on a loopback port, answers as it is told to, and remembers all that came.
public final class WebhookReceiver: Sendable {
  public struct Message: Sendable {
    public var requestLine: String
    public var head: String
    public var body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The body where it is an object.
    public var object: [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) ?? [:]
    }

    /// The receiver's name as it is signed.
    public var receiver: String? { object["receiver"] as? String }

    /// `firing crash_loop stubs/0` of each alert.
    public var alerts: [String] {
      (object["alerts"] as? [[String: Any]] ?? []).map { alert in
        ["status", "kind", "subject"].map { alert[$0] as? String ?? "?" }.joined(separator: " ")
      }
    }
  }

  private struct State: Sendable {
    var messages: [Message] = []
    /// What the next ones are answered; the last for all that follow.
    var answers: [String]
  }

  public let port: UInt16
  private let server: TinyServer
  private let state: Monitor<State>

  public static let taken = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

  public static func answer(_ status: Int, _ headers: String = "", body: String = "no") -> String {
    "HTTP/1.1 \(status) Whatever\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// - Parameter answers: whole responses.
  public init(_ answers: [String] = [taken]) throws {
    let state = Monitor(State(answers: answers))
    self.state = state
    port = try freePort()
    server = try TinyServer(.port(port)) { connection in
      let answer = state.update { state in
        state.messages.append(Message(connection.request))
        return state.answers.count > 1 ? state.answers.removeFirst() : state.answers.first ?? Self.taken
      }
      connection.write(answer)
    }
  }

  public var url: String { "http://127.0.0.1:\(port)/hook?key=secret" }
  public var messages: [Message] { state.read { $0.messages } }

  public func answer(_ answers: [String]) { state.update { $0.answers = answers } }

  /// The first message that matches, those that have come included.
  public func message(
    _ waitedFor: String, within limit: Duration = .seconds(60), where matches: @escaping @Sendable (Message) -> Bool
  ) async throws -> Message {
    try await state.first(waitedFor, before: .after(limit)) { $0.messages.first(where: matches) }
  }

  /// The first `count` messages.
  public func messages(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Message] {
    try await state.first("\(count) notifications", before: .after(limit)) {
      $0.messages.count >= count ? Array($0.messages.prefix(count)) : nil
    }
  }

  public func stop() { server.stop() }
}

extension WebhookReceiver.Message {
  fileprivate init(_ request: String) {
    let parts = request.components(separatedBy: "\r\n\r\n")
    head = parts.first ?? ""
    requestLine = head.components(separatedBy: "\r\n").first ?? ""
    body = Array(parts.dropFirst().joined(separator: "\r\n\r\n").utf8)
  }
}
