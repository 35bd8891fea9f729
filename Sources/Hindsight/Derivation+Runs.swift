import Pool
import Simulator

/// What agents ask for, and how long it takes.
extension Derivation {
  /// Agents ask for nothing of the pool where there is less for each run.
  private static let leastRequests = 0.5
  /// From a run's first request on: the catalog is asked for a moment later.
  private static let shortPause = 0.1

  mutating func deriveRuns() {
    if watch.requests == 0 || watch.seconds <= 0 {
      missing.append("requests: no worker of \(past.pool) was sampled while it answered any; wait for runs")
    } else if let each = requestsPerRun, each < Self.leastRequests {
      missing.append(
        "requests: \(past.pool) got \(Written.number(each)) for each run of its agents, so that their catalogs are "
          + "made elsewhere; name another pool")
    }
    deriveCatalogs()
    deriveClasses()
    deriveApplying()
  }

  private mutating func deriveCatalogs() {
    let times = active.compactMap(\.catalogSeconds).filter { $0 > 0 && $0 < 86400 }
    if times.count >= Self.leastTimes, let spread = Spread(of: times.map { .seconds($0) }) {
      scenario.run.catalog = spread
      let shares = [("half", 0.5), ("90%", 0.9), ("99%", 0.99)].compactMap { name, share in
        Sample.quantile(times, share).map { "\(name) within \(Written.seconds($0))" }
      }
      derived.find(
        .compile, spread.description,
        "the latest catalog of \(times.count) nodes, as it was spread: \(shares.joined(separator: ", "))")
    } else if let catalogs = past.classes?[.catalog], catalogs.count >= Self.leastTimes {
      scenario.run.catalog = catalogs.spread
      derived.find(.compile, catalogs.spread.description, "\(catalogs.count) requests of class catalog")
    } else {
      miss(
        .compile,
        "how long catalogs take: \(times.count == 1 ? "one node" : "\(times.count) nodes") with a known one",
        such: "1.2s±0.5")
    }
  }

  // MARK: Classes

  private mutating func deriveClasses() {
    if let classes = past.classes, let catalogs = classes[.catalog], catalogs.count > 0 {
      take(classes, catalogs)
    } else if let each = requestsPerRun {
      guess(each)
    }
  }

  /// A running supervisor knows them.
  private mutating func take(_ classes: [RoutePriority: Past.ClassTimes], _ catalogs: Past.ClassTimes) {
    let source = { (times: Past.ClassTimes) in "\(times.count) requests since the supervisor's start" }
    let reports = classes[.report]
    let hasReports = (reports?.count ?? 0) * 10 > catalogs.count
    let runs = Double(hasReports ? reports?.count ?? 1 : catalogs.count)
    scenario.run.report = hasReports ? reports?.spread : nil
    derived.find(
      .report, scenario.run.report?.description ?? "0",
      hasReports ? reports.map(source) ?? "" : "none reached a worker")
    takeNodes(catalogs, runs: runs)
    let files = classes[.file]
    setFiles(Double(files?.count ?? 0) / runs, "\(files?.count ?? 0) of class file in \(Int(runs)) runs")
    guard let files, files.count > 0 else { return }
    scenario.run.file = files.spread
    derived.find(.file, files.spread.description, source(files))
  }

  /// Those of class catalog that are more than one a run.
  private mutating func takeNodes(_ catalogs: Past.ClassTimes, runs: Double) {
    let others = Double(catalogs.count) / runs - 1
    guard others > 0.5 else { return derived.find(.node, "0", "one request of class catalog in each run") }
    let work = catalogs.meanSeconds * Double(catalogs.count) / runs - scenario.run.catalog.mean.inSeconds
    scenario.run.node = .always(.seconds(max(0.001, work / others)))
    derived.find(
      .node, scenario.run.node?.description ?? "0", "requests of class catalog beside each run's own")
  }

  /// The ledger counts requests, not what they were for.
  private mutating func guess(_ each: Double) {
    let source = "\(Written.number(each)) requests of each run reached a worker"
    derived.assume(.node, "0", "classes are not in the ledger; ask the running supervisor")
    if each < 1.5 {
      scenario.run.report = nil
      derived.find(.report, "0", source)
    } else {
      derived.assume(.report, scenario.run.report?.description ?? "0", "times by class are not in the ledger")
    }
    setFiles(each - 2, source)
    guard scenario.run.files > 0 else { return }
    derived.assume(.file, scenario.run.file.description, "times by class are not in the ledger")
  }

  /// A run that asks workers for files asks for the metadata of its plugins first.
  private mutating func setFiles(_ each: Double, _ source: String) {
    scenario.run.files = each < 2 ? 0 : max(1, Int(min(each, 10_000).rounded()) - RunModel.pluginRequests)
    derived.find(.files, "\(scenario.run.files)", source)
  }

  // MARK: Between catalog and report

  private mutating func deriveApplying() {
    let times = active.compactMap { node -> Double? in
      guard let run = node.lastRunSeconds, let catalog = node.catalogSeconds else { return nil }
      return max(0, run - catalog - Self.shortPause)
    }.filter { $0 < 86400 }
    guard times.count >= Self.leastTimes, let spread = Spread(of: times.map { .seconds($0) }) else {
      return derived.assume(.apply, scenario.run.apply.description, "too few runs with a beginning and an end")
    }
    scenario.run.apply = spread
    derived.find(.apply, spread.description, "the last run of \(times.count) nodes, less its catalog")
  }
}

extension Past.ClassTimes {
  private static func whole(_ seconds: Double) -> Duration {
    .nanoseconds(Int64((min(max(0, seconds), 1e6) * 1e9).rounded()))
  }

  var spread: Spread {
    deviationSeconds > 0
      ? .about(Self.whole(meanSeconds), deviation: Self.whole(deviationSeconds)) : .always(Self.whole(meanSeconds))
  }
}
