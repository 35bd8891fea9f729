/// Writes a whole response of our own: `explanation` and a line end as text/plain, no body to HEAD. False, with nothing
/// written, where it does not fit.
@_lifetime(out: copy out)
public func writeError(
  status: Int, explanation: String, retryAfter: Int? = nil, keepAlive: Bool, method: Method,
  to version: HTTPVersion = .http11, into out: inout OutputSpan<UInt8>
) -> Bool {
  let body = explanation.utf8.span
  guard out.freeCapacity >= body.count &+ 256 else { return false }
  out.append(copying: "HTTP/1.1 ")
  out.append(decimal: status)
  out.append(ASCII.space)
  out.append(copying: reasonPhrase(status))
  out.append(copying: "\r\nContent-Type: text/plain; charset=utf-8\r\n")
  out.appendContentLength(body.count &+ 1)
  if let retryAfter {
    out.append(copying: "Retry-After: ")
    out.append(decimal: retryAfter)
    out.append(copying: "\r\n")
  }
  out.appendConnection(to: version, keepAlive: keepAlive)
  out.append(copying: "\r\n")
  if method != .head {
    out.append(copying: body)
    out.append(ASCII.lineFeed)
  }
  return true
}

/// Writes the interim response that an agent waits for before it sends its body (RFC 9110 §15.2.1).
@_lifetime(out: copy out)
public func writeContinue(into out: inout OutputSpan<UInt8>) -> Bool {
  guard out.freeCapacity >= 25 else { return false }
  out.append(copying: "HTTP/1.1 100 Continue\r\n\r\n")
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
