import Fetching
import Pool

/// What a probe found.
enum ProbeOutcome: Hashable, Sendable {
  /// How long the answer took.
  case passed(Duration)
  /// Why not, for an operator.
  case failed(String)
}

/// A probe's answer is of no interest beyond its status.
private let maxProbeBodyBytes = 1 << 20

/// Asks a worker once; any 2xx passes.
func probe(_ endpoint: Endpoint, path: String, timeout: Duration) async -> ProbeOutcome {
  let clock = ContinuousClock()
  let start = clock.now
  let request = FetchRequest(
    FetchEndpoint(endpoint), path: path, headers: [("User-Agent", "masterpool-probe")], timeout: timeout,
    maxBodyBytes: maxProbeBodyBytes)
  do {
    let response = try await Fetcher.perform(request)
    guard (200..<300).contains(response.status) else {
      return .failed("GET \(path) was answered with \(response.status)")
    }
    return .passed(clock.now - start)
  } catch {
    switch error {
    case .cannotConnect(let why): return .failed("cannot connect to \(endpoint): \(why)")
    case .timedOut: return .failed("GET \(path) was not answered within \(timeout.short)")
    case .tooLarge: return .failed("GET \(path) was answered with more than \(maxProbeBodyBytes) bytes")
    case .cancelled: return .failed("cancelled")
    case .proxy, .untrusted, .otherHost, .other: return .failed("GET \(path): \(error)")
    }
  }
}

/// The pauses between the probes of a worker that is starting: a warm fork is there within milliseconds, a cold
/// master takes as many seconds.
private let firstPause = Duration.milliseconds(2)
private let longestPause = Duration.milliseconds(50)

/// Probes a new worker until it passes, its time is over, or it is not alive any more; the last failure is told.
func awaitReady(
  _ endpoint: Endpoint, path: String, timeout: Duration, isAlive: @Sendable () async -> Bool = { true }
) async -> ProbeOutcome {
  let clock = ContinuousClock()
  let start = clock.now
  let deadline = start.advanced(by: timeout)
  var pause = firstPause
  var last: String?
  while clock.now < deadline {
    switch await probe(endpoint, path: path, timeout: max(firstPause, deadline - clock.now)) {
    case .passed: return .passed(clock.now - start)
    case .failed(let why):
      // One that the end of the time cut short says less than the one before.
      if last == nil || clock.now < deadline { last = why }
    }
    guard !Task.isCancelled else { return .failed("cancelled") }
    guard await isAlive() else { return .failed("it ended before it was ready: \(last ?? "not asked")") }
    try? await Task.sleep(for: min(pause, max(.zero, deadline - clock.now)))
    pause = min(pause * 2, longestPause)
  }
  return .failed(last ?? "it was not asked")
}

extension FetchEndpoint {
  init(_ endpoint: Endpoint) {
    switch endpoint {
    case .unix(let path): self = .unixSocket(path)
    case .tcp(let port): self = .network(host: "127.0.0.1", port: port)
    }
  }
}
