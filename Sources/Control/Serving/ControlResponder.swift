import FoundationEssentials
import Glibc
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
  let gate: ControlGate
  let door: ControlDoor
  let pace: FollowerPace

  func respond(to request: Request, context: Context) async throws -> Response {
    var response: Response
    do throws(ControlRefusal) {
      response = try await answer(request, context)
    } catch {
      response = .json(error.status, ErrorDocument(error: error.message))
      response.headers[.allow] = error.allow
      response.headers[.wwwAuthenticate] = error.challenge
    }
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    return request.method == .head ? response.withoutBody() : response
  }

  private func answer(_ request: Request, _ context: Context) async throws(ControlRefusal) -> Response {
    let (access, caller) = try await admit(request, context)
    switch try action(request, access) {
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
    case .nodes(let query): return .json(200, await controlled.nodes(query))
    case .advice(let query):
      return try await read { () async throws(HistoryUnreadable) in try await controlled.advice(query) }
    case .settings: return .json(200, await controlled.settings())
    case .settingsDifferences: return .json(200, await controlled.settingsDifferences())
    case .command:
      let command = try await command(in: request)
      return await perform(command, by: caller())
    case .metrics:
      let format = MetricsFormat(accept: request.headers[.accept])
      let page = MetricsText.render(
        await controlled.status(), await controlled.measurements(), isReady: await controlled.isReady(), as: format)
      return .text(200, page, type: format.contentType)
    case .alive: return .text(200, "alive\n")
    case .asset(let path):
      return Dashboard.answer(path, known: request.headers[.ifNoneMatch]) ?? .text(404, "no \(path)\n")
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

  /// Who asks is put in words only where it is to be told.
  private func admit(
    _ request: Request, _ context: Context
  ) async throws(ControlRefusal) -> (ControlAccess, caller: () -> Caller?) {
    switch door {
    case .socket:
      guard let peer = await Peer.of(context.channel) else {
        throw ControlRefusal(status: 403, message: "the kernel does not say who asks")
      }
      return (try gate.admit(uid: peer.uid, ours: geteuid()), { peer.caller })
    case .network:
      let (access, caller) = try gate.admit(
        Papers(request), from: context.channel.remoteAddress?.ipAddress ?? "an unknown address")
      return (access, { caller })
    }
  }

  private func action(_ request: Request, _ access: ControlAccess) throws(ControlRefusal) -> ControlAction {
    do throws(ControlRefusal) { return try ControlAction(ControlRequest(request), access) } catch {
      switch error.status {
      case 401: gate.note(.noToken)
      case 403: gate.note(.readOnly)
      default: break
      }
      throw error
    }
  }

  private func perform(_ command: ControlCommand, by caller: Caller?) async -> Response {
    let reply = await controlled.perform(command, by: caller)
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

/// Where a request came in.
enum ControlDoor: Sendable {
  case socket, network
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

extension Papers {
  init(_ request: Request) {
    // The first Host is the message's authority; any other is still among the fields.
    hosts = (request.head.authority.map { [$0] } ?? []) + Self.values("Host", request)
    origins = Self.values("Origin", request)
    authorizations = Self.values("Authorization", request)
  }

  private static func values(_ name: String, _ request: Request) -> [String] {
    HTTPField.Name(name).map { request.headers[values: $0] } ?? []
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
