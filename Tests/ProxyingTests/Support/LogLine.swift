import Foundation
import Pool
import TestSupport
import Testing

/// One line of the access log in JSON.
struct LogLine: Decodable, Sendable {
  var time: String
  var kind: String?
  var id: String?
  var address: String?
  var certname: String?
  var method: String?
  var path: String?
  var http: String?
  var requestLine: String?
  var status: Int?
  var bytesSent: Int?
  var bytesReceived: Int?
  var totalMs: Double?
  var firstByteMs: Double?
  var queueMs: Double?
  var workerMs: Double?
  var route: String?
  var pool: String?
  var disk: Bool?
  var slot: Int?
  var generation: Int?
  var retries: Int?
  var tls: String?
  var cipher: String?
  var resumed: Bool?
  var userAgent: String?
  var ended: String?
  var cause: String?

  /// All lines of a text, each of which must be whole.
  static func all(in text: String) throws -> [LogLine] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    #expect(text.isEmpty || text.hasSuffix("\n"))
    return try text.split(separator: "\n").map { line in
      do {
        return try decoder.decode(LogLine.self, from: Data(line.utf8))
      } catch {
        throw OriginFailure(what: "no line of the log: \(line)")
      }
    }
  }
}

/// The access log of a proxy that lived as long as `body`, which is given the log's path.
func accessLog(
  _ arrangement: Arrangement = Arrangement(), format: AccessLogConfiguration.Format = .json,
  maxField: ByteCount = .kibibytes(2), workers: [Origin.Manner] = [echo],
  _ body: (RunningProxy, [Origin], String) async throws -> Void
) async throws -> String {
  try await withTemporaryDirectory { folder in
    let path = "\(folder)/access.log"
    var arrangement = arrangement
    arrangement.accessLog = AccessLogConfiguration(
      destination: .file(path: path), format: format, maxField: maxField)
    try await withProxy(arrangement, workers: workers) { try await body($0, $1, path) }
    return try String(contentsOfFile: path, encoding: .utf8)
  }
}

/// Its lines, in JSON.
func logLines(
  _ arrangement: Arrangement = Arrangement(), maxField: ByteCount = .kibibytes(2), workers: [Origin.Manner] = [echo],
  _ body: (RunningProxy, [Origin]) async throws -> Void
) async throws -> [LogLine] {
  try LogLine.all(
    in: try await accessLog(arrangement, maxField: maxField, workers: workers) { proxy, origins, _ in
      try await body(proxy, origins)
    })
}
