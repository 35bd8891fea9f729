import Files
import Foundation
import Pool
import Synchronization
import TestSupport

@testable import Supervision

/// A real worker, and the desk that stands in for it, over the same environments: the demo's and odd ones.
struct FileSite: Sendable {
  let worker: PuppetWorker
  let desk: FileDesk

  static let pool = PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }()

  /// What a request came to, in the worker's words.
  enum Answer: Hashable {
    case notOurs
    case body([UInt8], contentType: String)
  }

  /// Of a decoded path and a query as it goes over the wire.
  func ask(desk path: String, _ query: String, accept: String = "application/json, application/octet-stream")
    -> Answer
  {
    let (path, query, accept) = (Array(path.utf8), Array(query.utf8), Array(accept.utf8))
    switch desk.look(pool: Self.pool, path: path.span, query: query.span, accept: accept.span) {
    case .notOurs: return .notOurs
    case .file(let file): return read(file)
    case .body(let body): return .body(body.bytes, contentType: "\(body.contentType)")
    case .later(let job):
      switch outcome(of: job) {
      case .notOurs: return .notOurs
      case .file(let file): return read(file)
      case .body(let body): return .body(body.bytes, contentType: "\(body.contentType)")
      }
    }
  }

  /// Nil: it is not 200, or no answer at all, as for the content of a folder.
  func ask(worker path: String, _ query: String) async throws -> Answer? {
    var plain = CharacterSet.alphanumerics.intersection(
      CharacterSet(charactersIn: Unicode.Scalar(0)..<Unicode.Scalar(128)))
    plain.insert(charactersIn: "/_-.")
    let target = path.addingPercentEncoding(withAllowedCharacters: plain) ?? path
    let response: HTTPResponse
    do { response = try await worker.ask("\(target)?\(query)") } catch ExchangeFailure.cut { return nil }
    guard response.status == 200 else { return nil }
    return .body(response.body, contentType: response.header("content-type") ?? "")
  }

  private func read(_ file: OpenFile) -> Answer {
    defer { file.close() }
    var bytes = [UInt8](repeating: 0, count: file.size)
    let count = pread(file.descriptor, &bytes, bytes.count, 0)
    return .body(Array(bytes.prefix(max(0, count))), contentType: "application/octet-stream")
  }
}

/// - Parameter prepare: adds to the code directory before anything looks at it.
func withFileSite(
  configuration: String = "", prepare: (String) async throws -> Void, _ body: (FileSite) async throws -> Void
) async throws {
  try await withTemporaryDirectory { folder in
    let code = "\(folder)/code"
    try FileManager.default.copyItem(atPath: Places.code, toPath: code)
    try await prepare(folder)
    let process = try startPuppetWorker(in: folder, configuration: configuration)
    try await process.says("takes requests")
    let said = try await run(
      Places.ruby(), [Places.worker, "--describe-files", "--confdir", "\(folder)/conf", "--codedir", code])
    let lines = said.output.split(separator: "\n").map(String.init)
    guard let description = try lines.lazy.compactMap({ try FileDescription(line: $0) }).first else {
      throw HarnessFailure("no description among: \(said.output)\(said.errors)")
    }
    let desk = FileDesk(FilePlan(puppet: [try description.plan(for: FileSite.pool)]))
    do {
      try await body(FileSite(worker: PuppetWorker(folder: folder, process: process), desk: desk))
    } catch {
      process.send(SIGKILL)
      throw HarnessFailure("\(error)\nThe worker's log:\n\(process.standardError)")
    }
    process.send(SIGTERM)
    _ = try await process.end()
  }
}

/// Where nobody else is at the same work.
private func outcome(of job: FileJob) -> FileOutcome {
  let delivered = Mutex(FileOutcome.notOurs)
  job.run { outcome in delivered.withLock { $0 = outcome } }
  return delivered.withLock { $0 }
}
