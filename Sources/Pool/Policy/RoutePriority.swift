/// What a route's requests are in the life of a node's run, which is what they rank by while they wait.
public enum RoutePriority: String, Hashable, Sendable, Codable, CaseIterable, BitwiseCopyable {
  /// Ends a run. Its work is done, so it goes first and is never turned away.
  case report
  /// Files and metadata: of a run under way they go next, else they begin a run.
  case file
  /// Goes after the files of runs under way, or begins a run.
  case catalog
  /// No part of any run; ranks as a new run does.
  case normal
}

/// Where a waiting request ranks, first to last.
public enum QueueClass: Int, Hashable, Sendable, Codable, CaseIterable {
  case report, file, catalog, newRun

  /// As in JSON and in metrics.
  public var name: String {
    switch self {
    case .report: "report"
    case .file: "file"
    case .catalog: "catalog"
    case .newRun: "new_run"
    }
  }
}
