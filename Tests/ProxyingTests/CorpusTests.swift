import Foundation
import Seeded
import TestSupport
import Testing

/// The raw requests of HTTPWire's corpus, played against a proxy that runs.
struct RawRequest: Sendable {
  let name: String
  /// By which lists of exceptions know it: the file's name or, of a table, the line's bytes.
  let key: String
  let bytes: [UInt8]
  /// Of the refusal; nil where it is valid.
  let status: Int?

  static func all(_ folder: String) throws -> [RawRequest] {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../HTTPWireTests/Corpus/requests/\(folder)").path()
    let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".http") }
    let files = try names.sorted().map { name in
      let expectation = text(ofFile: "\(path)/\(name.dropLast(5)).expect") ?? ""
      let status = expectation.split(separator: "\n").first { $0.hasPrefix("status: ") }
      let bytes = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
      return RawRequest(
        name: name, key: String(name.dropLast(5)), bytes: Array(bytes),
        status: status.flatMap { Int($0.dropFirst(8)) })
    }
    let lines = (CorpusTable.cases("requests.txt") + CorpusTable.cases("targets.txt")).map { line in
      RawRequest(name: "\(line)", key: line.variant, bytes: line.bytes, status: Int(line.expectation.prefix(3)))
    }
    return files + lines.filter { ($0.status == nil) == (folder == "valid") }
  }
}

@Suite struct CorpusTests {
  @Test(arguments: [1, 7]) func refusesEveryInvalidRequestBeforeAWorkerSeesIt(_ pieces: Int) async throws {
    try await withProxy(worker: echo) { proxy, origin in
      let requests = try RawRequest.all("invalid")
      #expect(requests.count > 200)
      for request in requests {
        let answer = try await play(request.bytes, in: pieces, at: proxy.address)
        #expect(
          Int(answer.text.dropFirst(9).prefix(3)) == request.status, "\(request.name): \(answer.text.prefix(200))")
        #expect(answer.text.contains("\r\nConnection: close\r\n"), "\(request.name)")
        #expect(answer.closed, "\(request.name)")
      }
      #expect(origin.heads.isEmpty)
      let counters = try await proxy.counters("all refusals") {
        $0.responses[4] + $0.responses[5] == requests.count && $0.connections == 0
      }
      #expect(counters.requestsInFlight == 0)
    }
  }

  @Test func answersEveryValidRequest() async throws {
    var arrangement = Arrangement()
    arrangement.limits.maxURILength = .kibibytes(32)
    try await withProxy(arrangement, worker: echo) { proxy, origin in
      // OPTIONS * is answered here.
      let requests = try RawRequest.all("valid").filter { !$0.bytes.starts(with: Array("OPTIONS * ".utf8)) }
      #expect(requests.count > 20)
      for request in requests {
        let seen = origin.heads.count
        let answer = try await agent(at: proxy.address) { agent in
          try agent.send(request.bytes)
          agent.wire.finishSending()
          return try agent.text()
        }
        #expect(origin.heads.count > seen, "\(request.name)")
        let final = answer.replacing("HTTP/1.1 100 Continue\r\n\r\n", with: "")
        #expect(final.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(request.name): \(answer)")
      }
    }
  }

  /// In several writes, so that the proxy has to go on where it stood; all that comes back, if the end was orderly.
  private func play(_ bytes: [UInt8], in pieces: Int, at address: Address) async throws -> (
    text: String, closed: Bool
  ) {
    try await agent(at: address) { agent in
      let length = max(1, (bytes.count + pieces - 1) / pieces)
      for start in stride(from: 0, to: bytes.count, by: length) {
        // It may be refused before its end.
        try? agent.send(Array(bytes[start..<min(bytes.count, start + length)]))
        sched_yield()
      }
      var answer: [UInt8] = []
      do throws(WireFailure) {
        while try agent.wire.receive(into: &answer, before: .patient) {}
        return (String(decoding: answer, as: UTF8.self), true)
      } catch {
        return ("\(String(decoding: answer, as: UTF8.self)) and then \(error)", false)
      }
    }
  }
}
