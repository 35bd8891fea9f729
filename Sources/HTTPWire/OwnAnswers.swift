/// What an answer of our own says, and how.
public struct OwnAnswer: Sendable {
  public enum Form: Hashable, Sendable {
    /// The explanation and a line end.
    case text
    /// As a Puppet master writes its errors: `{"message":"…","issue_kind":"RUNTIME_ERROR"}`. Agents print the message.
    case json
  }

  public var status: Int
  /// Empty: no body.
  public var explanation: String
  public var form = Form.text
  public var retryAfter: Int?
  /// RFC 9110 §6.6.1: whoever has a clock says when.
  public var date: DateText?

  public init(
    status: Int, explanation: String, form: Form = .text, retryAfter: Int? = nil, date: DateText? = nil
  ) {
    self.status = status
    self.explanation = explanation
    self.form = form
    self.retryAfter = retryAfter
    self.date = date
  }

  fileprivate var body: String {
    if explanation.isEmpty { return "" }
    switch form {
    case .text: return "\(explanation)\n"
    case .json: return "{\"message\":\(quoted(explanation)),\"issue_kind\":\"RUNTIME_ERROR\"}"
    }
  }

  fileprivate var contentType: StaticString {
    switch form {
    case .text: "text/plain; charset=utf-8"
    case .json: "application/json; charset=utf-8"
    }
  }

  /// RFC 8259 §7.
  private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        result += "\\"
        result.unicodeScalars.append(scalar)
      case "\n": result += "\\n"
      default: if scalar.value >= 0x20 { result.unicodeScalars.append(scalar) }
      }
    }
    return result + "\""
  }
}

/// Writes a whole response of our own, no body to HEAD. False, with nothing written, where it does not fit.
@_lifetime(out: copy out)
public func writeOwnAnswer(
  _ answer: OwnAnswer, keepAlive: Bool, method: Method, to version: HTTPVersion = .http11,
  into out: inout OutputSpan<UInt8>
) -> Bool {
  let text = answer.body
  let body = text.utf8.span
  guard out.freeCapacity >= body.count &+ 320 else { return false }
  out.append(copying: "HTTP/1.1 ")
  out.append(decimal: answer.status)
  out.append(ASCII.space)
  out.append(copying: reasonPhrase(answer.status))
  out.append(copying: "\r\n")
  if let date = answer.date { out.appendDate(date.span) }
  if body.count > 0 {
    out.append(copying: "Content-Type: ")
    out.append(copying: answer.contentType)
    out.append(copying: "\r\n")
  }
  out.appendContentLength(body.count)
  if let retryAfter = answer.retryAfter {
    out.append(copying: "Retry-After: ")
    out.append(decimal: retryAfter)
    out.append(copying: "\r\n")
  }
  out.appendConnection(to: version, keepAlive: keepAlive)
  out.append(copying: "\r\n")
  if method != .head { out.append(copying: body) }
  return true
}

/// The same for a plain explanation.
@_lifetime(out: copy out)
public func writeError(
  status: Int, explanation: String, retryAfter: Int? = nil, keepAlive: Bool, method: Method,
  to version: HTTPVersion = .http11, into out: inout OutputSpan<UInt8>
) -> Bool {
  let answer = OwnAnswer(status: status, explanation: explanation, retryAfter: retryAfter)
  return writeOwnAnswer(answer, keepAlive: keepAlive, method: method, to: version, into: &out)
}

extension OutputSpan where Element == UInt8 {
  @_lifetime(self: copy self)
  @inline(__always) mutating func appendDate(_ date: Span<UInt8>) {
    append(copying: "Date: ")
    append(copying: date)
    append(copying: "\r\n")
  }
}

/// Writes the interim response that an agent waits for before it sends its body (RFC 9110 §15.2.1).
@_lifetime(out: copy out)
public func writeContinue(into out: inout OutputSpan<UInt8>) -> Bool {
  guard out.freeCapacity >= 25 else { return false }
  out.append(copying: "HTTP/1.1 100 Continue\r\n\r\n")
  return true
}

/// Writes an interim response that says no more than that the request is still worked on (RFC 2518 §10.1).
@_lifetime(out: copy out)
public func writeProcessing(into out: inout OutputSpan<UInt8>) -> Bool {
  guard out.freeCapacity >= 27 else { return false }
  out.append(copying: "HTTP/1.1 102 Processing\r\n\r\n")
  return true
}

/// RFC 9110 §15; for statuses that a proxy gives of its own accord.
func reasonPhrase(_ status: Int) -> StaticString {
  switch status {
  case 200: "OK"
  case 206: "Partial Content"
  case 304: "Not Modified"
  case 400: "Bad Request"
  case 401: "Unauthorized"
  case 403: "Forbidden"
  case 404: "Not Found"
  case 405: "Method Not Allowed"
  case 408: "Request Timeout"
  case 411: "Length Required"
  case 412: "Precondition Failed"
  case 413: "Content Too Large"
  case 414: "URI Too Long"
  case 416: "Range Not Satisfiable"
  case 417: "Expectation Failed"
  case 421: "Misdirected Request"
  case 429: "Too Many Requests"
  case 431: "Request Header Fields Too Large"
  case 500: "Internal Server Error"
  case 501: "Not Implemented"
  case 502: "Bad Gateway"
  case 503: "Service Unavailable"
  case 504: "Gateway Timeout"
  case 505: "HTTP Version Not Supported"
  default: "Error"
  }
}
