import Pool

/// A pool of the file, as far as it could be read.
struct PlacedPool {
  var name: PoolName
  /// The pool's whole section; its `keySpot` is the name's place.
  var section: Section
  /// What its master's preset brings; nil for a command.
  var preset: Preset?
  /// Caches that all its workers share.
  var shared: [PlacedPath] = []
  /// Nil after a problem was reported.
  var plan: PoolPlan?
}

/// What a `master:` other than a command stands for.
struct Preset {
  var command: [String]
  var environment: [String: String]
  var readyPath: String
  var alivePath: String
  /// The pool is to be filled in.
  var routes: [Route]
  /// Folders that outlive every worker: nobody may name one as a cache, or a folder below or around it.
  var keeps: [(name: String, path: String)]
  /// Those of them that are to be made for the workers where they are missing.
  var folders: [String]
  /// Folders that a shared cache may lie in, but not be or hold.
  var reads: [(name: String, path: String)]
  /// Asks where agents' files lie; nil: the workers serve them.
  var describeFiles: [String]?
}

/// The kinds of masters.
enum MasterKind: String, CaseIterable {
  case puppet, command
}

extension Reader {
  func pools(_ file: Section, _ places: Places) -> [PlacedPool] {
    let example = "{masters: {command: [my-master, --socket, \"{socket}\"]}}"
    guard let field = file.required("pools", example: example, { $0 }),
      let entries = field.entries(expected: example)
    else { return [] }
    findings.account.name(entries.map(\.name), below: "pools")
    if entries.isEmpty { field.problem("there is no pool", "write \(example)") }
    return entries.compactMap { name, field in pool(name, field, file, places) }
  }

  private func pool(_ text: String, _ field: Field, _ file: Section, _ places: Places) -> PlacedPool? {
    let section = Section(reading: field, .pool)
    guard let name = PoolName(rawValue: text) else {
      findings.add(
        field.keySpot, field.path, "\(quoted(text)) cannot be a pool's name",
        "write letters, digits, - and _, at most 64")
      return nil
    }
    guard case .mapping = field.shape else { return PlacedPool(name: name, section: section) }
    refuseLongSockets(of: name, field, file, places)
    var pool = PlacedPool(name: name, section: section)
    let kind = masterKind(section)
    switch kind {
    case .puppet: pool.preset = puppet(section, name, places)
    case .command: refusePuppetSection(section)
    case nil: break
    }
    let policy = policy(section, pool.preset, kind)
    pool.shared = sharedPaths(section.section("cache"))
    let cache = CachePlan(wipe: wipedPaths(section.section("cache")), shared: pool.shared.map(\.path))
    let deploy = deploy(section)
    refuseIdleCanary(section, policy)
    guard let launch = launch(section, kind, pool.preset, cache) else { return pool }
    pool.plan = PoolPlan(name: name, policy: policy, launch: launch, deploy: deploy)
    return pool
  }

  private func masterKind(_ section: Section) -> MasterKind? {
    if let field = section["master"] { return field.choice(MasterKind.self) }
    return section["command"] == nil && section["puppet"] != nil ? .puppet : .command
  }

  private func refusePuppetSection(_ section: Section) {
    guard let field = section["puppet"] else { return }
    findings.add(
      field.keySpot, field.path, "it is only for master: puppet", "write master: puppet, or take it out")
  }

  /// `RUN_DIR/POOL/INDEX.GENERATION.sock` must fit `sun_path` for every worker to come.
  private func refuseLongSockets(of name: PoolName, _ field: Field, _ file: Section, _ places: Places) {
    let longest = "/9999.9999999999.sock".utf8.count
    let count = places.run.utf8.count + 1 + name.rawValue.utf8.count + longest
    guard count > Field.maxSocketPathBytes else { return }
    let room = Field.maxSocketPathBytes - 1 - longest
    let what = "with the pool's name the workers' socket paths get \(count) bytes, more than the kernel takes"
    let instead = "keep run_dir and the pool's name within \(room) bytes together"
    if let runDirectory = file["run_dir"] {
      runDirectory.problem(what, instead)
    } else {
      findings.add(field.keySpot, field.path, what, instead)
    }
  }
}
