import CCurl
import Glibc
import Synchronization

/// Where a response's body goes.
enum Sink: Sendable {
  case collect(limit: Int)
  case stream(@Sendable ([UInt8]) -> Bool)
}

/// What came of a response.
struct Collected: Sendable {
  var status = 0
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
}

/// One exchange and its curl handle. Made anywhere, then used by the loop's thread alone but for `cancel`.
final class Transfer: @unchecked Sendable {
  /// Of all header lines together.
  static let maxHeaderBytes = 64 << 10

  let easy: UnsafeMutableRawPointer
  private let sink: Sink
  private let host: String
  private let proxy: FetchProxy?
  private let errorBuffer: UnsafeMutablePointer<CChar>
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private var collected = Collected()
  private var headerBytes = 0
  private var headEnded = false
  private var stopped: Stop?
  private var ending: (@Sendable (Result<Collected, FetchFailure>) -> Void)?
  private let cancelled = Atomic(false)

  /// Why we ended it ourselves.
  private enum Stop { case enough, tooLarge }

  init(_ request: FetchRequest, _ sink: Sink) throws(FetchFailure) {
    guard let easy = curl_easy_init() else { throw .other("libcurl has no memory") }
    self.easy = easy
    self.sink = sink
    proxy = request.proxy
    host =
      switch request.endpoint {
      case .unixSocket: "localhost"
      case .network(let host, _, _): host
      }
    errorBuffer = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try set(request)
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_slist_free_all(headerList)
    errorBuffer.deallocate()
  }

  func whenEnded(_ ending: @escaping @Sendable (Result<Collected, FetchFailure>) -> Void) { self.ending = ending }

  func end(_ result: Result<Collected, FetchFailure>) {
    ending?(result)
    ending = nil
  }

  func cancel() { cancelled.store(true, ordering: .releasing) }

  var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

  func result(of code: CURLcode) -> Result<Collected, FetchFailure> {
    if isCancelled { return .failure(.cancelled) }
    switch stopped {
    case .enough: return .success(finished())
    case .tooLarge: return .failure(.tooLarge)
    case nil: break
    }
    switch code {
    // libcurl takes a head that was cut off after its status line for a whole one.
    case CURLE_OK where !headEnded: return .failure(.other("the connection was closed in the middle of the head"))
    case CURLE_OK: return answer()
    // Who refuses a request without reading it to its end may reset the connection after the answer (RFC 9112 section
    // 9.6); proxies do.
    case CURLE_RECV_ERROR where headEnded && ccurl_status(easy) >= 400: return answer()
    case _ where isRefusedByProxy: return .failure(.proxy(refusal(ccurl_connect_status(easy), to: "CONNECT")))
    case CURLE_COULDNT_CONNECT where proxy != nil, CURLE_COULDNT_RESOLVE_PROXY:
      return .failure(.proxy("\(proxy?.description ?? "") cannot be reached: \(words(for: code))"))
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: return .failure(.cannotConnect(words(for: code)))
    case CURLE_OPERATION_TIMEDOUT: return .failure(.timedOut)
    case CURLE_PEER_FAILED_VERIFICATION: return .failure(distrust())
    case CURLE_GOT_NOTHING: return .failure(.other("the connection was closed without an answer"))
    default: return .failure(.other(words(for: code)))
    }
  }

  /// Only libcurl's words say whether it is the chain or the name; in others they are passed on.
  private func distrust() -> FetchFailure {
    let (words, known) = (words(for: CURLE_PEER_FAILED_VERIFICATION), "SSL certificate problem: ")
    if words.contains("subject name") { return .otherHost(host) }
    return .untrusted(words.hasPrefix(known) ? String(words.dropFirst(known.count)) : words)
  }

  private func answer() -> Result<Collected, FetchFailure> {
    let collected = finished()
    // Which only a proxy says (RFC 9110 section 15.5.8).
    guard collected.status == 407, proxy != nil else { return .success(collected) }
    return .failure(.proxy(refusal(407, to: "the request")))
  }

  private var isRefusedByProxy: Bool {
    let status = ccurl_connect_status(easy)
    return status != 0 && !(200...299).contains(status)
  }

  private func refusal(_ status: Int, to what: String) -> String {
    let place = proxy?.description ?? ""
    let why =
      switch status {
      // Some say 401 where 407 is meant.
      case 401, 407:
        proxy?.user == nil ? "wants a user and a password" : "does not take the user and the password"
      default: "does not let us through"
      }
    return "\(place) \(why): HTTP \(status) to \(what)"
  }

  private func finished() -> Collected {
    collected.status = ccurl_status(easy)
    return collected
  }

  private func words(for code: CURLcode) -> String {
    let number = Int32(truncatingIfNeeded: ccurl_system_error(easy))
    if code == CURLE_COULDNT_CONNECT, number != 0 { return String(cString: strerror(number)) }
    let words = String(cString: errorBuffer)
    return words.isEmpty ? String(cString: curl_easy_strerror(code)) : words
  }

  // MARK: Setting up

  private func set(_ request: FetchRequest) throws(FetchFailure) {
    try setDefaults()
    try setEndpoint(request.endpoint)
    guard request.path.utf8.first == UInt8(ascii: "/"), request.path.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else { throw .other("\(request.path.debugDescription) is not a request's path") }
    try set(CURLOPT_REQUEST_TARGET, try setProxy(request) + request.path)
    guard isToken(request.method) else { throw .other("\(request.method.debugDescription) is not a method") }
    try setBody(request)
    try set(CURLOPT_CUSTOMREQUEST, request.method)
    if request.method == "HEAD" { try set(CURLOPT_NOBODY, 1) }
    try setHeaders(request)
    if let timeout = request.timeout {
      let (seconds, attoseconds) = timeout.components
      let milliseconds =
        min(Int64(Int32.max) / 1000 - 1, max(0, seconds)) * 1000 + max(0, attoseconds) / 1_000_000_000_000_000
      try set(CURLOPT_TIMEOUT_MS, Int(max(1, milliseconds)))
    }
  }

  /// Nothing from the environment or from files: no proxy, no redirect, no netrc, no reused connection.
  private func setDefaults() throws(FetchFailure) {
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_NOPROXY, "")
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try set(CURLOPT_FRESH_CONNECT, 1)
    try set(CURLOPT_FORBID_REUSE, 1)
    try check(ccurl_set_error_buffer(easy, errorBuffer))
    let context = Unmanaged.passUnretained(self).toOpaque()
    try check(ccurl_set_takers(easy, bodyCame, headerCame, context))
  }

  private func setEndpoint(_ endpoint: FetchEndpoint) throws(FetchFailure) {
    switch endpoint {
    case .unixSocket(let path):
      guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
        throw .cannotConnect("\(path.debugDescription) is not an absolute path")
      }
      try set(CURLOPT_UNIX_SOCKET_PATH, path)
      try set(CURLOPT_URL, "http://localhost/")
    case .network(let host, let port, let tls):
      guard isHost(host) else { throw .cannotConnect("\(host.debugDescription) is not a host") }
      try set(CURLOPT_URL, "\(tls == nil ? "http" : "https")://\(place(host, port))/")
      if let file = tls?.authorities { try trustOnly(file) }
      if let file = tls?.certificate { try set(CURLOPT_SSLCERT, file) }
      if let file = tls?.privateKey { try set(CURLOPT_SSLKEY, file) }
    }
  }

  /// - Returns: what comes before the path in the request's target: a proxy that sends it on is told to whom (RFC 9112
  ///   section 3.2.2).
  private func setProxy(_ request: FetchRequest) throws(FetchFailure) -> String {
    guard let proxy = request.proxy, case .network(let host, let port, let tls) = request.endpoint else { return "" }
    guard isHost(proxy.host) else { throw .proxy("\(proxy.host.debugDescription) is not a host") }
    try set(CURLOPT_PROXY, proxy.description)
    if let user = proxy.user {
      try set(CURLOPT_PROXYUSERNAME, user)
      try set(CURLOPT_PROXYPASSWORD, proxy.password)
    }
    // What we say to the receiver is not for the proxy, and what that says to CONNECT is no head of an answer.
    try set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    return tls == nil ? "http://\(place(host, port))" : ""
  }

  private func trustOnly(_ file: String) throws(FetchFailure) {
    try set(CURLOPT_CAINFO, file)
    // Else the system's folder of authorities would be trusted beside it.
    try check(ccurl_set_text(easy, CURLOPT_CAPATH, nil))
  }

  private func setBody(_ request: FetchRequest) throws(FetchFailure) {
    // Without a body these methods still say that its length is 0.
    let body = request.body ?? (["POST", "PUT", "PATCH"].contains(request.method) ? [] : nil)
    guard let body else { return }
    try check(body.withUnsafeBytes { ccurl_set_body(easy, $0.baseAddress, $0.count) })
  }

  private func setHeaders(_ request: FetchRequest) throws(FetchFailure) {
    for (name, value) in request.headers {
      guard isToken(name), !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
        throw .other("the header \(name.debugDescription) has an impossible name or value")
      }
      // curl's spelling of an empty header; "Name:" would mean to leave it out.
      try addHeaderLine(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
    try addHeaderLine("Connection: close")
    // What curl would add by itself: to wait for 100 Continue, and the type of an HTML form.
    try addHeaderLine("Expect:")
    if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
      try addHeaderLine("Content-Type:")
    }
    try check(ccurl_set_headers(easy, headerList))
  }

  private func addHeaderLine(_ line: String) throws(FetchFailure) {
    guard let longer = curl_slist_append(headerList, line) else { throw .other("libcurl has no memory") }
    headerList = longer
  }

  private func set(_ option: CURLoption, _ value: Int) throws(FetchFailure) {
    try check(ccurl_set_number(easy, option, value))
  }

  private func set(_ option: CURLoption, _ value: String) throws(FetchFailure) {
    guard !value.utf8.contains(0) else { throw .other("\(value.debugDescription) contains a zero byte") }
    try check(ccurl_set_text(easy, option, value))
  }

  private func check(_ code: CURLcode) throws(FetchFailure) {
    guard code == CURLE_OK else { throw .other(String(cString: curl_easy_strerror(code))) }
  }

  // MARK: Taking what comes

  fileprivate func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    switch sink {
    case .collect(let limit):
      guard bytes.count <= limit - collected.body.count else {
        stopped = .tooLarge
        return false
      }
      collected.body.append(contentsOf: bytes)
      return true
    case .stream(let onBytes):
      guard !isCancelled, onBytes(Array(bytes)) else {
        stopped = .enough
        return false
      }
      return true
    }
  }

  fileprivate func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
    headerBytes += bytes.count
    guard headerBytes <= Self.maxHeaderBytes else {
      stopped = .tooLarge
      return false
    }
    // After an interim answer (100, 103) comes another status line.
    if bytes.starts(with: "HTTP/".utf8) {
      collected.headers = []
      headEnded = false
    } else if bytes.allSatisfy({ isBlank($0) }) {
      headEnded = true
    } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
      let name = String(decoding: bytes[..<colon], as: UTF8.self)
      let value = bytes[(colon + 1)...].drop { isBlank($0) }
      let end = value.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? value.startIndex
      collected.headers.append((name: name, value: String(decoding: value[..<end], as: UTF8.self)))
    }
    return true
  }
}

private func bodyCame(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let context else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  return transfer.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}

private func headerCame(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let context else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  return transfer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}

private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }

private func isHost(_ text: String) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { isTokenByte($0) || $0 == UInt8(ascii: ":") }
}

/// RFC 9110, section 5.6.2.
private func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isTokenByte) }

private func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }
}
