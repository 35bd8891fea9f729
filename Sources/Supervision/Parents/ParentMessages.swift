import FoundationEssentials
import Pool

/// What is asked of a parent, one JSON object a line: etc/masters/README.md has it for those who write one.
enum ParentOrder: Encodable {
  /// Two descriptors come with it: the worker's output, and its lease, of which it reads one byte before it does
  /// anything.
  case fork(WorkerID, LaunchOrder, directory: String, Endpoint)
  case ping

  private enum Key: String, CodingKey {
    case command, worker, slot, generation, directory, socket, port, arguments, environment
    case workingDirectory = "working_directory"
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch self {
    case .fork(let id, let order, let directory, let endpoint):
      try fields.encode("fork", forKey: .command)
      try fields.encode(id.description, forKey: .worker)
      try fields.encode(id.slot.index, forKey: .slot)
      try fields.encode(id.generation.rawValue, forKey: .generation)
      try fields.encode(directory, forKey: .directory)
      switch endpoint {
      case .unix(let path): try fields.encode(path, forKey: .socket)
      case .tcp(let port): try fields.encode(port, forKey: .port)
      }
      try fields.encode(order.arguments, forKey: .arguments)
      try fields.encode(order.environment, forKey: .environment)
      try fields.encode(order.workingDirectory ?? directory, forKey: .workingDirectory)
    case .ping: try fields.encode("ping", forKey: .command)
    }
  }
}

/// What a parent says. A worker is called as it was in the order.
enum ParentReport: Decodable {
  case ready
  /// It cannot fork, now or ever; it ends.
  case failed(String)
  case forked(worker: String, pid: Int32)
  case notForked(worker: String, String)
  case alive

  private enum Key: String, CodingKey { case report, worker, pid, why }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    switch try fields.decode(String.self, forKey: .report) {
    case "ready": self = .ready
    case "failed":
      let why = try fields.decodeIfPresent(String.self, forKey: .why) ?? "it does not say why"
      let worker = try fields.decodeIfPresent(String.self, forKey: .worker)
      self = worker.map { .notForked(worker: $0, why) } ?? .failed(why)
    case "forked":
      self = .forked(
        worker: try fields.decode(String.self, forKey: .worker), pid: try fields.decode(Int32.self, forKey: .pid))
    case "alive": self = .alive
    case let other:
      throw DecodingError.dataCorruptedError(
        forKey: .report, in: fields, debugDescription: "\(other.debugDescription) is no report")
    }
  }
}
