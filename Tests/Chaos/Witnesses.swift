import Foundation
import TestSupport

/// One line of the proxies' access log.
struct AccessLine: Decodable, Sendable {
  var id: String?
  var status: Int?
  var pool: String?
  var slot: Int?
  var generation: Int?
  var retries: Int?
  var ended: String?
  var cause: String?

  /// As in X-Worker and in the ledger.
  var worker: String? {
    guard let pool, let slot, let generation else { return nil }
    return "\(pool)/\(slot)#\(generation)"
  }
}

/// What others wrote down of the requests while they lived: the proxies in the access log, the workers in their journals.
struct Witnesses: Sendable {
  /// By the request's id.
  var lines: [String: [AccessLine]] = [:]
  /// By the request's number: who began with it, in any order.
  var servings: [Int: [String]] = [:]
  var unreadable: [String] = []

  init(directory: String) {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    for name in names where name.hasPrefix("access.log") { readLog("\(directory)/\(name)") }
    let journals = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/journal")) ?? []
    for name in journals { readJournal("\(directory)/journal/\(name)", of: name) }
  }

  private mutating func readLog(_ path: String) {
    let decoder = JSONDecoder()
    for line in (text(ofFile: path) ?? "").split(separator: "\n") {
      guard let read = try? decoder.decode(AccessLine.self, from: Data(line.utf8)) else {
        unreadable.append("\(path): \(line.prefix(200))")
        continue
      }
      if let id = read.id { lines[id, default: []].append(read) }
    }
  }

  /// Its lines are `METHOD TARGET`, its name `POOL-SLOT-GENERATION`.
  private mutating func readJournal(_ path: String, of name: String) {
    let parts = name.split(separator: "-")
    guard parts.count == 3 else { return }
    let worker = "\(parts[0])/\(parts[1])#\(parts[2])"
    for line in (text(ofFile: path) ?? "").split(separator: "\n") {
      guard let query = line.split(separator: "?").dropFirst().first,
        let pair = query.split(separator: "&").first(where: { $0.hasPrefix("n=") }),
        let number = Int(pair.dropFirst(2))
      else { continue }
      servings[number, default: []].append(worker)
    }
  }

  /// Who had the request, as far as anybody knows.
  func workers(of entry: Entry) -> Set<String> {
    Set((lines[entry.id] ?? []).compactMap(\.worker) + (servings[entry.number] ?? []))
  }
}
