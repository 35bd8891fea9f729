import Pool

extension ExitRow {
  init(_ departure: Departure, worker: ManagedWorker, wiped: WipeReport, at now: Instant) {
    let words = departure.measurement?.words
    self.init(
      reason: departure.reason, measured: words?.measured, limit: words?.limit,
      status: worker.exit.map(\.description) ?? "unknown", pid: worker.child.pid,
      memoryAtBirthBytes: worker.memoryAtBirth?.bytes, memoryAtDeathBytes: worker.memory?.bytes,
      ageSeconds: (now - worker.spawned).inSeconds, requestsServed: worker.requestsTotal,
      requestsLost: worker.lostTotal, drainSeconds: departure.drained?.inSeconds, wipedEntries: wiped.entries,
      wipedBytes: wiped.bytes)
  }

  /// The row as one sentence for a person.
  func sentence(of id: WorkerID) -> String {
    var text = "\(id) ended: \(reason.rawValue)"
    if let measured { text += ", \(measured)" }
    if let limit { text += " of \(limit)" }
    text += "; \(status), served \(requestsServed), lost \(requestsLost)"
    if let drainSeconds { text += ", drained \(Duration.seconds(drainSeconds).short)" }
    return text + ", wiped \(wipedEntries) entries (\(ByteCount(bytes: wipedBytes)))"
  }
}

extension Measurement {
  /// What was measured, and its limit where it has one.
  var words: (measured: String, limit: String?) {
    switch self {
    case .age(let age, let limit): ("age \(age.short)", limit.short)
    case .memory(let memory, let limit): ("memory \(memory)", limit.description)
    case .memoryBudget(let memory, let limit): ("the pool's memory \(memory)", limit.description)
    case .requests(let requests, let limit): ("\(requests) requests", String(limit))
    case .requestAge(let age, let limit): ("a request of \(age.short)", limit.short)
    case .failedProbes(let failed, let limit): ("\(failed) failed probes", String(limit))
    case .exited(let status): ("exit \(status)", nil)
    case .signalled(let signal): ("signal \(signal)", nil)
    case .vanished: ("its end alone", nil)
    case .outOfMemory: ("killed by the kernel: out of memory", nil)
    case .notReady(let why): (why, nil)
    }
  }
}

extension ExitStatus {
  var measurement: Measurement {
    switch self {
    case .exited(let status): .exited(status: status)
    case .signalled(let signal, _): .signalled(signal)
    case .unknown: .vanished
    }
  }
}
