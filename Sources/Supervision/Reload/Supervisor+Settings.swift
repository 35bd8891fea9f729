import Pool

/// What is in force and who said so, and setting it while it runs.
extension Supervisor {
  public func settings() -> SettingsDocument { SettingsDocument(settings: runningSettings()) }

  /// Between what runs and what a reload would bring.
  public func settingsDifferences() async -> SettingsDifferences {
    switch await readPlan() {
    case .plan(let read): return SettingsDifferences(between: runningSettings(), and: read.account)
    case .problems(let problems):
      // As they were when they were last in order.
      guard case .plan(let read) = await readPlan(PlanRequest(texts: plan.texts)) else {
        return SettingsDifferences(differences: [], problems: problems)
      }
      var found = SettingsDifferences(between: runningSettings(), and: read.account)
      found.problems = problems
      return found
    }
  }

  private func runningSettings() -> [SettingsDocument.Setting] {
    var sizes: [String: String] = [:]
    for pool in plan.pools {
      guard let size = pools[pool.name]?.machine.policy.size, size != pool.policy.size else { continue }
      sizes[workersKey(pool.name)] = String(size)
    }
    return plan.account.map { setting in
      guard let size = sizes[setting.key] else { return setting }
      return .init(
        key: setting.key, value: size, defaultValue: setting.defaultValue, source: .scale, change: setting.change)
    }
  }

  private func workersKey(_ pool: PoolName) -> String { "pools.\(pool).workers" }

  // MARK: Set

  /// One of the reloads, which come one after the other: all of the values, or none.
  func set(_ values: [String: String], isPersistent: Bool) async -> ControlReply {
    let new: (overrides: [SettingOverride], kept: KeptSettings?)
    do throws(ReloadFailure) { new = try await prepare(values, isPersistent: isPersistent) } catch {
      return .refused(message: error.why)
    }
    let reply = await putInForce(values, new.overrides, new.kept)
    if case .refused = reply { new.kept?.abandon() }
    return reply
  }

  private func prepare(
    _ values: [String: String], isPersistent: Bool
  ) async throws(ReloadFailure) -> ([SettingOverride], KeptSettings?) {
    let others = overrides.filter { values[$0.key] == nil }
    let by = Asking.caller?.description
    let at = Clock.timestamp()
    let new = values.filter { !$0.value.isEmpty }.map {
      SettingOverride(key: $0.key, value: $0.value, by: by, at: at)
    }
    let all = others + new.sorted { $0.key < $1.key }
    guard isPersistent else {
      try refuseUnset(values)
      return (all, nil)
    }
    // Told of without a place in a file that nobody has written yet.
    if case .problems(let problems) = await readPlan(PlanRequest(texts: plan.texts, overrides: all)) {
      throw ReloadFailure(problems.joined(separator: "\n"))
    }
    return (others, try await keep(values))
  }

  private func refuseUnset(_ values: [String: String]) throws(ReloadFailure) {
    let known = Set(overrides.map(\.key))
    guard let key = values.keys.sorted().first(where: { values[$0] == "" && !known.contains($0) }) else { return }
    let named = known.isEmpty ? "nothing is" : "\(known.sorted().joined(separator: ", ")) is"
    throw ReloadFailure("\(key) is not set live, but \(named); with --persist it is taken out of the drop-in")
  }

  private func keep(_ values: [String: String]) async throws(ReloadFailure) -> KeptSettings {
    guard let keeper else { throw ReloadFailure("this supervisor keeps no settings") }
    let texts = plan.texts
    let result = await Task.detached { Result { try keeper.prepare(values, texts) } }.value
    switch result {
    case .success(let kept): return kept
    case .failure(let error): throw ReloadFailure("\(error)")
    }
  }

  private func putInForce(
    _ values: [String: String], _ new: [SettingOverride], _ kept: KeptSettings?
  ) async -> ControlReply {
    let read: SupervisorPlan
    switch await readPlan(PlanRequest(texts: kept?.texts ?? plan.texts, overrides: new)) {
    case .plan(let plan): read = plan
    case .problems(let problems): return .refused(message: problems.joined(separator: "\n"))
    }
    if let kept, let other = outdone(values, by: read, kept) { return .refused(message: other) }
    let change = PlanChange(from: plan, to: read)
    let fixed = change.refused + change.postponed.filter { values[$0] != nil }
    guard fixed.isEmpty else {
      return .refused(
        message:
          "\(fixed.joined(separator: ", ")) cannot change while masterpool runs, so nothing was changed; write it "
          + "in the settings file and restart masterpool")
    }
    let before = runningSettings()
    let workers: [WorkerID]
    do throws(ReloadFailure) { workers = try await putInForce(read, change, needsProxy: change.needsProxy) } catch {
      return .refused(message: "\(error.why); nothing was changed")
    }
    overrides = new
    unscale(values)
    let unkept = kept?.finish()
    writeState()
    var lines = words(values, before)
    lines += consequences(of: change, needsProxy: change.needsProxy)
    if let kept, let unkept {
      return .refused(message: "in force until the next reload, but not kept in \(kept.path): \(unkept)")
    }
    if let kept { lines.append("kept in \(kept.path)") }
    return .accepted(message: lines.joined(separator: "\n"), workers: workers)
  }

  /// Where a later drop-in says something else, what is kept would mean nothing.
  private func outdone(_ values: [String: String], by read: SupervisorPlan, _ kept: KeptSettings) -> String? {
    for setting in read.account where values[setting.key].map({ !$0.isEmpty }) == true {
      guard let place = setting.place, !place.hasPrefix("\(kept.path):") else { continue }
      return "\(place) comes after \(kept.path) and says \(setting.key) too, so nothing was changed; change it there"
    }
    return nil
  }

  /// Who sets the number of workers means it, whatever `scale` has made of it.
  private func unscale(_ values: [String: String]) {
    for pool in plan.pools where values[workersKey(pool.name)] != nil {
      guard let size = pools[pool.name]?.machine.policy.size, size != pool.policy.size else { continue }
      feed(.scale(pool.policy.size), to: pool.name)
    }
  }

  /// `pools.masters.recycle.every is 20m, was 15m: live`
  private func words(_ values: [String: String], _ before: [SettingsDocument.Setting]) -> [String] {
    let now = runningSettings()
    let told = now.filter { setting in values.keys.contains { $0 == setting.key || $0.hasPrefix("\(setting.key).") } }
    return told.map { setting in
      let former = before.first { $0.key == setting.key }
      let value = setting.value ?? "not set"
      guard former?.value != setting.value else { return "\(setting.key) is \(value), as it was" }
      return "\(setting.key) is \(value), was \(former?.value ?? "not set"): \(setting.change.rawValue)"
    }
  }

  // MARK: How long it holds

  /// The files were read again: they say what is in force.
  func dropOverrides() {
    guard !overrides.isEmpty else { return }
    let keys = overrides.map(\.key).joined(separator: ", ")
    overrides = []
    log.append(.reload, "what was set live holds no longer: \(keys); set it with --persist, or in the settings file")
    writeState()
  }

  /// Those of a supervisor before us hold on, if they still can.
  func recallOverrides(_ recalled: [SettingOverride]) async {
    guard !recalled.isEmpty else { return }
    switch await readPlan(PlanRequest(overrides: recalled)) {
    case .plan(let read):
      overrides = recalled
      wanted = read
      plan.texts = read.texts
      plan.account = read.account
    case .problems(let problems):
      let keys = recalled.map(\.key).joined(separator: ", ")
      log.append(.reload, "what was set live holds no longer: \(keys): \(problems.joined(separator: "; "))")
    }
  }
}
