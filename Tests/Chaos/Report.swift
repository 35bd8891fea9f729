import Foundation
import Pool
import TestSupport

/// What became of it all: one table for a person, and whether it was well.
struct Report {
  private let patient: Patient
  private let watch: Watch
  private let ledger: LedgerOnDisk?
  private let seconds: Int
  private let seed: UInt64
  private let entries: [Entry]
  private let chronicle: Chronicle
  private let witnesses: Witnesses
  private let judge: Judge
  private let accounts: Accounts

  /// A process may have grown by so much, and so many times, since it had settled.
  private static let growth = (factor: 1.5, bytes: 12 << 20)

  init(_ patient: Patient, _ watch: Watch, _ ledger: LedgerOnDisk?, seconds: Int, seed: UInt64) {
    self.patient = patient
    self.watch = watch
    self.ledger = ledger
    self.seconds = seconds
    self.seed = seed
    entries = patient.book.all
    chronicle = Chronicle(patient.events)
    witnesses = Witnesses(directory: patient.directory)
    judge = Judge(blows: patient.trail.blows, witnesses: witnesses, exits: chronicle.exits)
    accounts = Accounts(lives: chronicle.lives, exits: chronicle.exits, entries: entries, judge: judge)
  }

  /// Prints it; false where something was wrong.
  func tell() -> Bool {
    let verdicts = entries.map(judge.verdict)
    let wrong = zip(entries, verdicts).filter { !Verdict.allowed.contains($1) }
    let complaints =
      patient.accusations + witnesses.unreadable + missingLines + accounts.differences + grown
      + (ledger?.complaints ?? [])
    if !wrong.isEmpty || !complaints.isEmpty { tellTrail(wrong.map(\.0)) }
    tellRequests(verdicts)
    tellFaults()
    tellLedger()
    tellMemory()
    for (entry, verdict) in wrong.prefix(20) { print("\(verdict.inWords)\n  \(entry.inWords)\(evidence(entry))") }
    if wrong.count > 20 { print("… and \(wrong.count - 20) more requests") }
    complaints.prefix(30).forEach { print("WRONG: \($0)") }
    if complaints.count > 30 { print("… and \(complaints.count - 30) more") }
    let isClean = wrong.isEmpty && complaints.isEmpty
    if !isClean { keepEvents() }
    print(isClean ? "Every request is accounted for." : "FAILED: seed \(seed)")
    return isClean
  }

  /// One a line, beside all that was logged.
  private func keepEvents() {
    let lines = patient.events.compactMap { try? JSONEncoder().encode($0.event) }
    try? lines.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined()
      .write(toFile: "\(patient.directory)/events.json")
  }

  // MARK: Tables

  private func tellRequests(_ verdicts: [Verdict]) {
    print("\n| requests | \(Entry.Kind.allCases.map(\.rawValue).joined(separator: " | ")) | all |")
    print("| --- |\(String(repeating: " ---: |", count: Entry.Kind.allCases.count + 1))")
    func row(_ title: String, _ matches: (Entry, Verdict) -> Bool) {
      let matching = zip(entries, verdicts).filter(matches).map(\.0)
      guard !matching.isEmpty else { return }
      let counts = Entry.Kind.allCases.map { kind in "\(matching.count { $0.kind == kind })" }
      print("| \(title) | \(counts.joined(separator: " | ")) | \(matching.count) |")
    }
    row("sent") { _, _ in true }
    for allowed in Verdict.allowed { row(allowed.inWords) { $1 == allowed } }
    row("anything else") { !Verdict.allowed.contains($1) && $0.number >= 0 }
    row("of those answered: by a second worker") { entry, verdict in
      verdict == .answered && (witnesses.servings[entry.number]?.count ?? 0) > 1
    }
  }

  private func tellFaults() {
    let steps = patient.trail.steps
    let kinds = Dictionary(grouping: steps, by: \.fault).mapValues(\.count).sorted { $0.key < $1.key }
    if let slowest = steps.max(by: { $0.took < $1.took }), slowest.took > .seconds(5) {
      print("The slowest took \(slowest.took.inWords): \(slowest.inWords)")
    }
    print("\n\(steps.count) faults in \(seconds) s: \(kinds.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
  }

  private func tellLedger() {
    let reasons = chronicle.recycles.sorted { $0.key.rawValue < $1.key.rawValue }
    print("Workers that ended: \(reasons.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", "))")
    let kinds: [Event.Kind] = [.wipeFailed, .backOff, .proxy, .reload]
    print("Events: \(kinds.map { "\($0.rawValue) \(chronicle.counts[$0] ?? 0)" }.joined(separator: ", "))")
    let exact = accounts.exact
    let sums = (exact.map(\.ledgerServed).reduce(0, +), exact.map(\.ledgerLost).reduce(0, +))
    let seen = (exact.map(\.seenServed).reduce(0, +), exact.map(\.seenLost).reduce(0, +))
    print(
      "The ledger, of \(exact.count) workers: \(sums.0) served, \(sums.1) lost; clients saw \(seen.0) and \(seen.1). "
        + "\(accounts.blurred.count) more lived while a proxy was killed, whose last second nobody counted.")
    if let ledger { print("On disk: \(ledger.exits.count) exits, of \(chronicle.counts[.exit] ?? 0) that were told") }
    let fewest = watch.fewest.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    print("Fewest ready at any look: \(fewest.joined(separator: ", "))")
  }

  private func tellMemory() {
    let oldest = watch.memories.values.sorted { $0.age > $1.age }
    for role in ["supervisor", "proxy"] {
      guard let memory = oldest.first(where: { $0.role == role }) else { continue }
      print(
        "Memory of the \(role) that lived longest (\(memory.age.inWords)): \(memory.first >> 10) KiB at first, "
          + "\(memory.last >> 10) KiB at last")
    }
  }

  // MARK: What is wrong

  private var grown: [String] {
    watch.memories.values.filter { memory in
      Double(memory.last) > Double(memory.first) * Self.growth.factor
        && memory.last > memory.first + Self.growth.bytes
    }.map { "a \($0.role) grew from \($0.first >> 10) to \($0.last >> 10) KiB in \($0.age.inWords)" }
  }

  /// Answered, and no line of the access log says so, though no proxy was killed that may have held it.
  private var missingLines: [String] {
    let kills = patient.trail.blows.filter { $0.target == .proxy }
    return entries.filter { entry in
      guard case .answered = entry.outcome, witnesses.lines[entry.id] == nil else { return false }
      return !kills.contains { $0.ended >= entry.began && $0.began <= entry.ended + .seconds(1) }
    }.map { "no line in the access log: \($0.inWords)" }
  }

  private func evidence(_ entry: Entry) -> String {
    let lines = (witnesses.lines[entry.id] ?? []).map { line in
      "\(line.status ?? 0) by \(line.worker ?? "nobody"), \(line.retries ?? 0) retries, \(line.ended ?? "whole"), \(line.cause ?? "")"
    }
    let exits = witnesses.workers(of: entry).sorted().map { worker in
      let rows = (chronicle.exits[worker] ?? []).map { "\($0.reason.rawValue) \($0.status)" }
      return "\(worker) \(rows.isEmpty ? "lives" : rows.joined(separator: ", "))"
    }
    let faults = patient.trail.steps.filter { $0.began <= entry.ended && $0.ended >= entry.began - .seconds(5) }
    return "\n  log: \(lines); begun by \(witnesses.servings[entry.number] ?? []); workers: \(exits)"
      + faults.map { "\n  near: \($0.inWords)" }.joined()
  }

  private func tellTrail(_ wrong: [Entry]) {
    print("\nWhat was done, and which requests were lost of it:")
    for step in patient.trail.steps {
      let lost = wrong.filter { $0.ended >= step.began && $0.began <= step.ended }.map { "#\($0.number)" }
      print("  \(step.inWords)\(lost.isEmpty ? "" : "  <- \(lost.prefix(8).joined(separator: " "))")")
    }
  }
}
