import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Pool

/// Answers one request; every error is JSON: `{"error": "…"}`.
struct ControlResponder: HTTPResponder {
  struct Context: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
      coreContext = CoreRequestContextStorage(source: source)
      channel = source.channel
    }
  }

  let controlled: any Controlled
  let access: ControlAccess
  let pace: FollowerPace

  func respond(to request: Request, context: Context) async throws -> Response {
    var response: Response
    do throws(ControlRefusal) {
      response = try await answer(request, context)
    } catch {
      response = .json(error.status, ErrorDocument(error: error.message))
      response.headers[.allow] = error.allow
    }
    response.headers[.cacheControl] = "no-store"
    return request.method == .head ? response.withoutBody() : response
  }

  private func answer(_ request: Request, _ context: Context) async throws(ControlRefusal) -> Response {
    switch try ControlAction(ControlRequest(request), access) {
    case .status: return .json(200, await controlled.status())
    case .events(let query): return .json(200, await controlled.page(query))
    case .follow(let query):
      if request.method == .head { return .stream(ResponseBody()) }
      let stream = EventStream(controlled: controlled, query: query, channel: context.channel, pace: pace)
      return .stream(ResponseBody { writer in try await stream.write(to: &writer) })
    case .history(let query):
      return try await read { () async throws(HistoryUnreadable) in
        try await controlled.history(query.filter, limit: query.limit)
      }
    case .samples(let query):
      return try await read { () async throws(HistoryUnreadable) in try await controlled.samples(query) }
    case .command: return try await perform(command(in: request))
    case .metrics:
      return .text(
        200, MetricsText.render(await controlled.status(), isReady: await controlled.isReady()),
        type: MetricsText.contentType)
    case .alive: return .text(200, "alive\n")
    case .ready: return await controlled.isReady() ? .text(200, "ready\n") : .text(503, "not ready\n")
    }
  }

  private func read(
    _ ask: () async throws(HistoryUnreadable) -> some Encodable
  ) async throws(ControlRefusal) -> Response {
    do { return .json(200, try await ask()) } catch {
      throw ControlRefusal(status: 503, message: error.description)
    }
  }

  private func command(in request: Request) async throws(ControlRefusal) -> ControlCommand {
    let body: ByteBuffer
    do { body = try await request.body.collect(upTo: ControlLimit.bodyBytes) } catch is NIOTooManyBytesError {
      throw ControlRefusal(status: 413, message: "a command has at most \(ControlLimit.bodyBytes) bytes")
    } catch {
      throw ControlRefusal(status: 400, message: "the command did not arrive whole")
    }
    do {
      return try JSONDecoder().decode(ControlCommand.self, from: Data(buffer: body))
    } catch {
      throw ControlRefusal(status: 400, message: "not a command: \(words(for: error))")
    }
  }

  private func perform(_ command: ControlCommand) async -> Response {
    let reply = await controlled.perform(command)
    switch reply {
    case .accepted: return .json(200, reply)
    case .refused(let message): return .json(409, RefusedDocument(error: message, message: message))
    }
  }

  private func words(for error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
    default: "\(error)"
    }
  }
}

struct ErrorDocument: Codable {
  var error: String
}

/// A refused `ControlReply` that is also an error.
private struct RefusedDocument: Encodable {
  var accepted = false
  var error: String
  var message: String
}

extension ControlRequest {
  init(_ request: Request) {
    method = request.method.rawValue
    path = request.uri.path
    query = request.uri.queryParameters.map { (name: String($0.key), value: String($0.value)) }
    accept = request.headers[.accept]
    lastEventID = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
  }
}

extension Response {
  static func json(_ status: Int, _ document: some Encodable) -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Fails only on a number that JSON has not, such as infinity.
    guard let data = try? encoder.encode(document) else {
      return .text(500, "{\"error\":\"the answer cannot be written as JSON\"}\n", type: "application/json")
    }
    var bytes = ByteBuffer(bytes: data)
    bytes.writeStaticString("\n")
    return Response(
      status: .init(code: status), headers: [.contentType: "application/json"], body: .init(byteBuffer: bytes))
  }

  static func text(_ status: Int, _ text: String, type: String = "text/plain; charset=utf-8") -> Response {
    Response(
      status: .init(code: status), headers: [.contentType: type],
      body: .init(byteBuffer: ByteBuffer(string: text)))
  }

  static func stream(_ body: ResponseBody) -> Response {
    var response = Response(status: .ok, headers: [.contentType: "text/event-stream"])
    response.body = body
    return response
  }

  /// For HEAD: as long as the body would be.
  func withoutBody() -> Response {
    var response = self
    response.body = ResponseBody()
    // After the body, which sets its own length.
    response.headers[.contentLength] = body.contentLength.map(String.init)
    return response
  }
}
