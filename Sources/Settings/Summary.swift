import Pool

/// The effective settings, defaults filled in, as a person reads them.
public func summary(of settings: Settings) -> String {
  let parts =
    [overview(of: settings)] + settings.pools.map { pool(of: $0) } + [routes(of: settings)] + files(of: settings)
    + (settings.remarks.isEmpty ? [] : [settings.remarks.map { "note: \($0)" }])
  return parts.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
}

private func overview(of settings: Settings) -> [String] {
  let limits = settings.proxy
  let dashboard = settings.control.listen.map { ", dashboard on \($0)" } ?? ""
  let names = settings.control.allowHosts.isEmpty ? "" : ", also as \(listed(settings.control.allowHosts))"
  let token = settings.control.tokenFile.map { ", commands there with the token in \($0)" } ?? ""
  return settings.listen.map { row("listen", listener($0)) }
    + [
      row("control", settings.control.socketPath + dashboard + names + token),
      row("state", "\(settings.stateDirectory), sockets in \(settings.runDirectory)"),
      row("history", history(settings.history)),
      row("nodes", nodes(settings.nodes)),
      row("log", log(settings.log)),
    ] + notify(settings.notify) + [
      row(
        "proxy",
        "\(limits.threads.map { counted($0, "thread") } ?? "a thread for each core"), "
          + "at most \(counted(limits.maxConnections, "connection"))"
          + (limits.maxConnectionsPerAddress.map { ", \($0) from one address" } ?? "")),
      row(
        "",
        "TLS within \(limits.handshakeTimeout.short), a head within \(limits.headerTimeout.short), "
          + "idle \(limits.idleTimeout.short)"),
      row(
        "",
        "a head of \(limits.maxHeaderSize) and \(counted(limits.maxHeaderCount, "field")), "
          + "a URI of \(limits.maxURILength), chunk extensions of \(limits.maxChunkExtension)"),
      row(
        "",
        "\(limits.maxRequestsPerConnection.map { counted($0, "request") } ?? "any number of requests") a connection, "
          + "\(limits.maxPipelinedRequests) of them ahead of their turn"),
      row(
        "",
        "bodies up to \(limits.maxBodySize), up to \(limits.maxBufferedBody) held for a second try, "
          + "\(limits.bufferMemory) in all"),
      row("", pace(limits)),
      row(
        "",
        "a worker connects within \(limits.connectTimeout.short); half-closed agents asked after "
          + "\(limits.halfClosedCheck.short)"),
      row(
        "",
        "last answers are left for \(limits.linger.short), \(limits.lingerTimeout.short) of silence; "
          + "idle agents \(limits.idleDrain.short) at the end"),
      row("", "after a reload the old one finishes its requests within \(limits.drain.short)"),
      row("", "at most \(counted(limits.maxInterimResponses, "interim response")) of a worker to one request"),
      row("", "a silent one is replaced after \(limits.maxSilence.short)"),
      row("", "\(counted(limits.fileThreads, "thread")) for files, \(limits.fileQueue) requests may wait for them"),
      row("", files(settings.fileLimits)),
    ] + (settings.accessLog.map { accessLog(of: $0) } ?? [])
}

private func files(_ limits: FileLimits) -> String {
  "looked at again after \(limits.trust.short); up to \(counted(limits.environments, "environment")) of "
    + "\(counted(limits.modules, "module")) a folder, trees of \(limits.treeEntries), "
    + "\(counted(limits.checksums, "checksum")), \(limits.listMemory) of lists"
}

private func nodes(_ policy: NodePolicy) -> String {
  "overdue after \(policy.overdue.short) of silence, forgotten after \(policy.forget.short), "
    + "\(counted(policy.limit, "node")) at most"
}

private func log(_ policy: LogPolicy) -> String {
  let format =
    switch policy.format {
    case .auto: "to the journal or as text"
    case .text: "as text"
    case .json: "in JSON"
    case .journald: "to the journal"
    }
  let own = policy.levels.sorted { $0.key.rawValue < $1.key.rawValue }.map {
    ", \($0.key.rawValue) from \($0.value.rawValue)"
  }
  return "\(format), from \(policy.level.rawValue)\(own.joined())"
}

private func history(_ policy: LedgerPolicy) -> String {
  "kept for \(policy.keep.short), at most \(policy.maxSize); workers sampled every \(policy.sampleEvery.short)"
}

private func accessLog(of log: AccessLogConfiguration) -> [String] {
  let place =
    switch log.destination {
    case .file(let path): path
    case .standardOutput: "standard output"
    case .syslog(let socket, let facility): "syslog at \(socket), as \(facility.rawValue)"
    }
  let format =
    switch log.format {
    case .json: "in JSON"
    case .combined: "in the combined format"
    }
  return [
    row("access log", "to \(place), \(format)"),
    row("", "\(log.buffer) of lines on their way for each thread, long fields cut at \(log.maxField)"),
  ]
}

private func pace(_ limits: ProxyLimits) -> String {
  func rate(_ rate: ByteCount?) -> String { rate.map { "at \($0) a second" } ?? "at any rate" }
  let grace = limits.minBodyRate == nil && limits.minSendRate == nil ? "" : " after \(limits.bodyGrace.short)"
  return "bodies come \(rate(limits.minBodyRate)) or faster, answers are taken \(rate(limits.minSendRate))\(grace)"
}

private func listener(_ listener: ListenerConfiguration) -> String {
  let balancers = listener.proxyProtocol.map { configuration in
    let from =
      configuration.from.isEmpty ? "" : " from \(configuration.from.map(\.description).joined(separator: ", "))"
    return ", PROXY protocol\(from)"
  }
  return plainListener(listener) + (balancers ?? "")
}

private func plainListener(_ listener: ListenerConfiguration) -> String {
  guard let tls = listener.tls else { return "\(listener.address), in the clear" }
  let clients =
    switch tls.verifyClient {
    case .none: "no client certificates"
    case .optional: "client certificates optional"
    case .required: "client certificates required"
    }
  let revoked = tls.clientCA == nil ? "" : tls.clientCRL == nil ? ", no revocation list" : ", revocations checked"
  return "\(listener.address), TLS with \(tls.certificate), \(clients)\(revoked), "
    + "sessions for \(tls.sessionLifetime.short)"
}

private func pool(of plan: PoolPlan) -> [String] {
  let policy = plan.policy
  let launch = plan.launch
  let own: [(String, String?)] = [
    (
      "workers",
      counted(policy.size, "worker") + ", "
        + (policy.concurrency == 1 ? "one request at a time each" : "\(policy.concurrency) requests at once each")
    ),
    ("command", launch.command.map(shellWord).joined(separator: " ")),
    (
      "files",
      launch.describeFiles.map { _ in "from disk by the proxy, where it is sure to find what Puppet finds" }
    ),
    ("user", launch.user),
    ("environment", variables(launch.environment)),
    ("in folder", launch.workingDirectory),
    ("queue", waiting(policy.queue)),
    ("", comingBack(policy.queue)),
    ("stuck", "when a request takes \(policy.requestTimeout.short)"),
    ("", suspecting(policy.stuck)),
    ("", histories(policy.stuck)),
    ("", quarantining(policy.quarantine)),
    ("backtrace", launch.backtrace.map { "asked for by SIG\($0.rawValue) before a stuck worker is stopped" }),
    ("ready", "\(policy.ready.path) answers within \(policy.ready.timeout.short)"),
    (
      "alive",
      "\(policy.alive.path) every \(policy.alive.every.short), \(policy.alive.timeout.short) each, "
        + "given up after \(counted(policy.alive.failures, "failure"))"
    ),
    ("preload", policy.preload.map(preloading)),
    ("", policy.preload.map(watching)),
    ("deploy", deploying(plan.deploy)),
    ("recycle", recycling(policy.recycle)),
    ("", putOff(policy.recycle)),
    ("", turns(policy)),
    ("memory", budget(policy)),
    ("stop", stopping(policy.stop)),
    ("wipe", launch.cache.wipe.isEmpty ? "the worker's whole folder" : launch.cache.wipe.joined(separator: ", ")),
    ("shared", launch.cache.shared.isEmpty ? nil : launch.cache.shared.joined(separator: ", ")),
  ]
  return ["pool \(plan.name)"] + own.compactMap { name, value in value.map { "  " + row(name, $0) } }
}

private func waiting(_ queue: QueuePolicy) -> String {
  guard queue.limit > 0 else { return "none: busy is refused" }
  return "\(counted(queue.limit, "request")) for \(queue.timeout.short), "
    + "up to \(queue.ceiling) that cannot retry, a class higher after \(queue.lift.short)"
}

private func comingBack(_ queue: QueuePolicy) -> String {
  "others come back after \(queue.retryAfter.min.short) to \(queue.retryAfter.max.short); "
    + "\(counted(queue.nodes, "node")) remembered, a run is over after \(queue.runQuiet.short) of silence"
}

private func rank(_ priority: RoutePriority) -> String {
  switch priority {
  case .report: ", as reports rank"
  case .file: ", as files rank"
  case .catalog: ", as catalogs rank"
  case .normal: ""
  }
}

private func stopping(_ policy: StopPolicy) -> String {
  let drain = policy.drain == .zero ? "cuts requests off" : "finishes requests within \(policy.drain.short)"
  let kill = policy.terminate == .zero ? "SIGKILL" : "SIGTERM, \(policy.terminate.short) later SIGKILL"
  return "\(drain), then \(kill)"
}

private func variables(_ environment: [String: String]) -> String? {
  guard !environment.isEmpty else { return nil }
  // Values may be secrets; their names are enough to check the file.
  return environment.keys.sorted().joined(separator: ", ")
}

private func routes(of settings: Settings) -> [String] {
  let rows = settings.routes.map { route in
    [
      route.methods.isEmpty ? "any method" : route.methods.joined(separator: ","), route.path, rule(route.allow),
      route.pool.rawValue + (route.retry ? ", tried twice" : "") + rank(route.priority),
    ]
  }
  let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
  return ["routes, the first that fits; 403 without one"]
    + rows.map { row in
      "  " + zip(row, widths + [0]).map { padded($0, to: $1) }.joined(separator: "  ")
    }
}

private func files(of settings: Settings) -> [[String]] {
  guard !settings.files.isEmpty else { return [] }
  let width = settings.files.map(\.path.count).max() ?? 0
  return [
    ["files, served without a worker where a route lets one ask"]
      + settings.files.map { "  \(padded($0.path, to: width))  \($0.folder)" }
  ]
}

private func rule(_ rule: AccessRule) -> String {
  switch rule {
  case .any: "anybody"
  case .authenticated: "any certificate"
  case .self: "{certname} itself"
  case .names(let names): names.joined(separator: ", ")
  }
}

private func row(_ name: String, _ value: String) -> String { "\(padded(name, to: 12))\(value)" }

private func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// As it could be pasted into a shell.
private func shellWord(_ word: String) -> String {
  let plain = word.allSatisfy { $0.isLetter || $0.isNumber || "/._-+=:,@%{}".contains($0) }
  return plain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
}
