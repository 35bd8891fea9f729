import Glibc
import Pool

/// Where Puppet has its agents' files is asked once the pools serve, so that the proxy answers for them from then on.
extension Supervisor {
  static let describingTimeout = Duration.seconds(60)

  /// Asks every pool that can say it, and tells the proxies. A pool that cannot goes on as before: its workers serve all.
  /// One asking after the other.
  func describeFiles() {
    let earlier = describing
    describing = Task {
      await earlier?.value
      await askForFiles()
    }
  }

  /// Nobody is asked any more, and whoever was is gone.
  func stopDescribing() async {
    describing?.cancel()
    await describing?.value
  }

  private func askForFiles() async {
    for pool in plan.pools {
      if Task.isCancelled { return }
      guard let command = pool.launch.describeFiles else {
        puppetFiles[pool.name] = nil
        continue
      }
      let before = puppetFiles[pool.name]
      do {
        let description = try await describe(command, pool.launch)
        if Task.isCancelled { return }
        if puppetSettings[pool.name]?.path != description.config {
          puppetSettings[pool.name] = PuppetSettings(path: description.config)
        }
        let plan = try description.plan(for: pool.name)
        puppetFiles[pool.name] = plan
        guard plan != before else { continue }
        let places = plan.environmentPath.joined(separator: ", ")
        log.append(
          .supervisor, "\(pool.name): the proxy answers for the files of Puppet \(description.puppet) in \(places)")
      } catch {
        if Task.isCancelled { return }
        puppetFiles[pool.name] = nil
        log.append(.supervisor, "\(pool.name): files stay with the workers: \(error)")
      }
    }
    tellFiles()
  }

  /// A new worker reads Puppet's settings anew, so what they say of files may be out of date from now on.
  func describeFilesIfChanged(in name: PoolName) {
    guard let settings = puppetSettings[name], settings.haveChanged else { return }
    // Asked once for all workers that come.
    puppetSettings[name] = PuppetSettings(path: settings.path)
    describeFiles()
  }

  /// To those that serve; one that does not yet is told when it does.
  func tellFiles() { proxies.serving.forEach(tellFiles) }

  /// The folders of its own settings, and what Puppet said of the pools that it knows.
  func tellFiles(to proxy: ManagedProxy) {
    var files = proxy.configuration.files
    files.puppet += proxy.configuration.pools.compactMap { puppetFiles[$0.name] }
    guard files != proxy.toldFiles ?? proxy.configuration.files else { return }
    proxies[proxy.generation]?.toldFiles = files
    proxy.link.send(.files(files))
  }

  private func describe(_ command: [String], _ launch: LaunchPlan) async throws -> FileDescription {
    let child = try ChildProcess.spawn(LaunchOrder(describing: command, launch))
    let killer = Task {
      try await Task.sleep(for: Self.describingTimeout)
      child.signalGroup(SIGKILL)
    }
    let listening = Task { try await Self.listen(to: child) }
    let status = await withTaskCancellationHandler {
      await child.exit()
    } onCancel: {
      child.signalGroup(SIGKILL)
    }
    killer.cancel()
    child.killRemains()
    let (description, lastLine) = try await listening.value
    guard status == .exited(0) else {
      throw FilesUnknown(why: "asked for them, its adapter ended with \(status)\(lastLine.map { ": \($0)" } ?? "")")
    }
    guard let description else { throw FilesUnknown(why: "its adapter did not say where they are") }
    return description
  }

  /// The description, if one came, and the last thing that was said besides.
  private static func listen(to child: ChildProcess) async throws -> (FileDescription?, String?) {
    var description: FileDescription?
    var last: String?
    for await line in child.output {
      if let found = try FileDescription(line: line.text) { description = found } else { last = line.text }
    }
    return (description, last)
  }
}

extension LaunchOrder {
  /// As a worker of this pool would run, with what of its environment needs no worker.
  init(describing command: [String], _ launch: LaunchPlan) {
    var environment = ownEnvironment()
    for (name, value) in launch.environment where !value.contains("{") { environment[name] = value }
    self.init(arguments: command, environment: environment, user: launch.user, workingDirectory: "/")
  }
}

/// Puppet's own settings file, as it is when this is made.
struct PuppetSettings {
  let path: String
  private let look: FileWatch.Look?

  init(path: String) {
    self.path = path
    look = FileWatch.Look(at: path)
  }

  var haveChanged: Bool { look != FileWatch.Look(at: path) }
}
