import Control
import Pool

/// Looks at the supervisor again and again: when something happened there, when somebody wishes, and every so often.
struct Looker: Sendable {
  /// Between two looks, however much happens.
  private static let pace = Duration.milliseconds(200)
  /// Before a supervisor that did not answer, or whose stream of events ended, is asked again.
  private static let patience = Duration.seconds(1)

  private let client: ControlClient
  private let interval: Duration
  private let wishes: AsyncStream<Void>
  private let mailbox: AsyncStream<Void>.Continuation

  init(_ client: ControlClient, every interval: Duration) {
    self.client = client
    self.interval = interval
    // Several wishes at once are one.
    (wishes, mailbox) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  func wish() { mailbox.yield() }

  /// Until it is cancelled.
  func run(_ body: (Result<StatusDocument, ControlFailure>) -> Void) async {
    let following = Task { await follow() }
    let ticking = Task { await tick() }
    defer {
      following.cancel()
      ticking.cancel()
    }
    for await _ in wishes {
      let seen = await look()
      body(seen)
      // What happens meanwhile is one more wish, so nothing is missed.
      guard (try? await Task.sleep(for: seen.isLost ? Self.patience : Self.pace)) != nil else { return }
      if seen.isLost { wish() }
    }
  }

  private func look() async -> Result<StatusDocument, ControlFailure> {
    do throws(ControlFailure) { return .success(try await client.status()) } catch { return .failure(error) }
  }

  private func tick() async {
    repeat { wish() } while (try? await Task.sleep(for: interval)) != nil
  }

  /// Each end of the stream is news too: the supervisor may be gone, or another may be there.
  private func follow() async {
    repeat {
      // The last event comes at once: what happened while there was no stream is seen by the look for its sake.
      try? await client.follow(limit: 1) { _ in wish() }
      wish()
    } while (try? await Task.sleep(for: Self.patience)) != nil
  }
}

extension Result {
  fileprivate var isLost: Bool {
    switch self {
    case .success: false
    case .failure: true
    }
  }
}
