import CCurl
import Dispatch
import Synchronization

/// Runs all transfers on one thread that exists only while there are any.
final class FetchLoop: Sendable {
  /// For this machine's own sockets, and for everything that a name server has to be asked for: libcurl waits for a
  /// resolver that hangs, and then no probe of a worker may wait with it.
  private static let near = FetchLoop()
  private static let far = FetchLoop()

  static func loop(for request: FetchRequest) -> FetchLoop {
    switch request.endpoint {
    case .unixSocket: near
    // A proxy looks up the names of others.
    case .network(let host, _, _): isNear(request.proxy?.host ?? host) ? near : far
    }
  }

  private static func isNear(_ host: String) -> Bool { host == "localhost" || host == "127.0.0.1" || host == "::1" }

  /// How long it sleeps at most without news; a new or cancelled transfer wakes it.
  private static let longestSleep: Int32 = 60_000

  private let queue = DispatchQueue(label: "masterpool.fetch")
  private let multi: Multi?
  private let inbox = Mutex(Inbox())

  private struct Inbox {
    var transfers: [Transfer] = []
    var isRunning = false
  }

  /// curl_multi_wakeup may be called from any thread, everything else is called on the queue.
  private struct Multi: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
  }

  private init() {
    let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    multi = isReady ? curl_multi_init().map(Multi.init) : nil
  }

  func run(_ request: FetchRequest, sink: Sink) async throws(FetchFailure) -> Collected {
    let transfer = try Transfer(request, sink)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        transfer.whenEnded { continuation.resume(returning: $0) }
        submit(transfer)
      }
    } onCancel: {
      transfer.cancel()
      wake()
    }
    return try result.get()
  }

  private func submit(_ transfer: Transfer) {
    guard multi != nil else { return transfer.end(.failure(.other("libcurl could not be initialized"))) }
    let isRunning = inbox.withLock { inbox in
      inbox.transfers.append(transfer)
      defer { inbox.isRunning = true }
      return inbox.isRunning
    }
    if isRunning { wake() } else { queue.async { self.work() } }
  }

  private func wake() {
    if let multi { curl_multi_wakeup(multi.handle) }
  }

  // MARK: On the queue

  private func work() {
    guard let multi = multi?.handle else { return }
    var active: [UnsafeMutableRawPointer: Transfer] = [:]
    while takeNew(multi, &active) {
      var count: Int32 = 0
      curl_multi_perform(multi, &count)
      endFinished(multi, &active)
      endCancelled(multi, &active)
      if !active.isEmpty { curl_multi_poll(multi, nil, 0, Self.longestSleep, nil) }
    }
  }

  /// False, and the loop ends: there is nothing to do.
  private func takeNew(_ multi: UnsafeMutableRawPointer, _ active: inout [UnsafeMutableRawPointer: Transfer]) -> Bool
  {
    let new = inbox.withLock { inbox in
      defer { inbox.transfers = [] }
      inbox.isRunning = !active.isEmpty || !inbox.transfers.isEmpty
      return inbox.transfers
    }
    for transfer in new {
      let code = curl_multi_add_handle(multi, transfer.easy)
      if code == CURLM_OK {
        active[transfer.easy] = transfer
      } else {
        transfer.end(.failure(.other(String(cString: curl_multi_strerror(code)))))
      }
    }
    return !active.isEmpty || !new.isEmpty
  }

  private func endFinished(_ multi: UnsafeMutableRawPointer, _ active: inout [UnsafeMutableRawPointer: Transfer]) {
    var easy: UnsafeMutableRawPointer?
    var code = CURLE_OK
    while ccurl_next_ended(multi, &easy, &code) {
      guard let easy, let transfer = active.removeValue(forKey: easy) else { continue }
      curl_multi_remove_handle(multi, easy)
      transfer.end(transfer.result(of: code))
    }
  }

  private func endCancelled(_ multi: UnsafeMutableRawPointer, _ active: inout [UnsafeMutableRawPointer: Transfer]) {
    for (easy, transfer) in active where transfer.isCancelled {
      active[easy] = nil
      curl_multi_remove_handle(multi, easy)
      transfer.end(.failure(.cancelled))
    }
  }
}
