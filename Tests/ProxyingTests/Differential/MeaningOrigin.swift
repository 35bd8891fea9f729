import Foundation
import Glibc
import TestSupport

/// Requests as they came over the wire, one a connection.
struct Recording: Sendable {
  /// Of the requests that were whole, byte by byte.
  var requests: [[UInt8]] = []
  /// What came behind a request's end, or was no request.
  var faults: [String] = []
}

/// A worker that takes one request a connection and then waits for what may still come. `isTelling`: a header of its
/// answer says what it took the request for.
func recording(into log: Monitor<Recording>, isTelling: Bool) -> Origin.Manner {
  { connection in
    var bytes: [UInt8] = []
    while true {
      switch PlainReading(bytes) {
      case .partial:
        guard try connection.receive(into: &bytes) else {
          if !bytes.isEmpty { log.update { $0.faults.append("cut: \(latin1(bytes).debugDescription)") } }
          return
        }
      case .malformed(let why):
        log.update { $0.faults.append("\(why): \(latin1(bytes).debugDescription)") }
        return
      case .whole(let meaning, let count):
        log.update { $0.requests.append(Array(bytes[..<count])) }
        let told = isTelling ? "X-Meaning: \(try JSONEncoder().encode(meaning).base64EncodedString())\r\n" : ""
        try connection.send("HTTP/1.1 200 OK\r\n\(told)Content-Length: 0\r\nConnection: close\r\n\r\n")
        shutdown(connection.descriptor, CInt(SHUT_WR))
        var rest = Array(bytes[count...])
        while try connection.receive(into: &rest) {}
        if !rest.isEmpty { log.update { $0.faults.append("behind its end: \(latin1(rest).debugDescription)") } }
        return
      }
    }
  }
}

extension OriginConnection {
  /// Appends what comes next; false at the end of the stream.
  fileprivate func receive(into bytes: inout [UInt8]) throws -> Bool {
    let count = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { room in
      let count = recv(descriptor, room.baseAddress, room.count, 0)
      if count > 0 { bytes.append(contentsOf: room[..<count]) }
      return count
    }
    guard count >= 0 else { throw OriginFailure(what: "the sender went away") }
    return count > 0
  }
}
