import TestSupport

@testable import Fetching

/// A server on a unix socket for the time of `body`.
@discardableResult
func withServer<Value>(
  _ answer: @escaping @Sendable (TinyServer.Connection) -> Void,
  _ body: (FetchEndpoint) async throws -> Value
) async throws -> Value {
  try await withTemporaryDirectory { folder in
    let server = try TinyServer(.unix("\(folder)/s"), answer: answer)
    defer { server.stop() }
    return try await body(.unixSocket("\(folder)/s"))
  }
}
