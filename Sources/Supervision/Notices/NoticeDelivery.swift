import Fetching
import FoundationEssentials
import Glibc
import Pool

/// One attempt to hand a message to its receiver.
struct NoticeDelivery: Sendable {
  /// So much of an answer is repeated, for an operator.
  static let shownBytes = 200

  var receiver: NoticeReceiver
  var sender: NoticeSender

  /// What came back, also in words: `HTTP 200`.
  struct Outcome: Sendable {
    var result: NoticeOutbox.Result
    var words: String
  }

  func send(_ message: NoticeMessage) async -> Outcome {
    let request: FetchRequest
    do throws(SecretFile.Unusable) { request = try self.request(message) } catch {
      // Who renews a secret may be in the middle of it.
      return Outcome(result: .later(error.why, after: nil), words: error.why)
    }
    do throws(FetchFailure) {
      return outcome(of: try await Fetcher.perform(request), to: request)
    } catch {
      let why = words(for: error, request.proxy)
      return Outcome(result: .later(why, after: nil), words: why)
    }
  }

  private func words(for failure: FetchFailure, _ proxy: FetchProxy?) -> String {
    switch failure {
    case .proxy: "\(failure)"
    case .untrusted:
      "\(failure)\(way(proxy)); trusted are "
        + (receiver.authorities.map { "the authorities in \($0)" } ?? "this machine's authorities, others by ca")
    case .cannotConnect, .timedOut, .tooLarge, .otherHost, .cancelled, .other: "\(failure)\(way(proxy))"
    }
  }

  private func way(_ proxy: FetchProxy?) -> String { proxy.map { ", by way of the proxy \($0)" } ?? "" }

  private func request(_ message: NoticeMessage) throws(SecretFile.Unusable) -> FetchRequest {
    let url = try self.url()
    let body: [UInt8]
    do {
      body = try NoticeBody(message: message, sender: sender, offset: Clock.wallOffset()).encoded(for: receiver)
    } catch {
      throw SecretFile.Unusable(why: "the message cannot be written: \(error)")
    }
    return FetchRequest(
      .network(host: url.host, port: url.port, tls: url.isSecure ? FetchTLS(authorities: receiver.authorities) : nil),
      through: try proxy(), method: "POST", path: url.path,
      headers: [("Content-Type", "application/json")] + (try headers()), body: body,
      timeout: receiver.timeout, maxBodyBytes: receiver.maxResponse.bytes)
  }

  private func url() throws(SecretFile.Unusable) -> WebhookURL {
    let (text, place) = (try word(receiver.url), receiver.url)
    do throws(WebhookURL.Failure) { return try WebhookURL(text) } catch {
      throw SecretFile.Unusable(why: "\(name(of: place, else: "url")): \(error)")
    }
  }

  private func proxy() throws(SecretFile.Unusable) -> FetchProxy? {
    guard let place = receiver.proxy else { return nil }
    let text = try word(place)
    do throws(ProxyURL.Failure) {
      let url = try ProxyURL(text)
      return FetchProxy(
        host: url.host, port: url.port, user: url.login?.user, password: url.login?.password ?? "")
    } catch {
      throw SecretFile.Unusable(why: "\(name(of: place, else: "proxy")): \(error)")
    }
  }

  private func name(of place: NoticeReceiver.Secret, else key: String) -> String {
    switch place {
    case .text: key
    case .file(let path): path
    }
  }

  private func headers() throws(SecretFile.Unusable) -> [(String, String)] {
    var headers: [(String, String)] = []
    for header in receiver.headers { headers.append((header.name, try word(header.value))) }
    return headers
  }

  private func word(_ secret: NoticeReceiver.Secret) throws(SecretFile.Unusable) -> String {
    switch secret {
    case .text(let text): text
    case .file(let path): try SecretFile.firstLine(of: path)
    }
  }

  private func outcome(of response: FetchResponse, to request: FetchRequest) -> Outcome {
    // In the clear it may be the proxy's own answer.
    let words = "HTTP \(response.status)\(request.isSentOn ? way(request.proxy) : "")"
    let all = words + Self.shown(response.body)
    switch response.status {
    case 200...299: return Outcome(result: .taken, words: "HTTP \(response.status)")
    case 408, 425, 429, 500...599:
      return Outcome(result: .later(words, after: Self.pause(response)), words: all)
    default: return Outcome(result: .refused(words), words: all)
    }
  }

  /// `Retry-After` in seconds (RFC 9110 section 10.2.3); a date there is not read.
  private static func pause(_ response: FetchResponse) -> Duration? {
    guard let seconds = response.header("Retry-After").flatMap({ Int32($0) }), seconds >= 0 else { return nil }
    return .seconds(Int(seconds))
  }

  /// The answer's first words, in one line and without what a terminal would obey.
  private static func shown(_ body: [UInt8]) -> String {
    let text = String(decoding: body.prefix(shownBytes), as: UTF8.self).unicodeScalars
      .map { $0.isUnsafeInLogs || $0 == "\t" ? " " : String($0) }.joined()
    let words = text.split(separator: " ").joined(separator: " ")
    return words.isEmpty ? "" : ": \(words)"
  }
}

extension FetchRequest {
  /// By a proxy that reads it, not through one.
  fileprivate var isSentOn: Bool {
    switch endpoint {
    case .unixSocket: false
    case .network(_, _, let tls): tls == nil && proxy != nil
    }
  }
}
