import Pool

/// What `master: puppet` stands for: a Ruby worker over Puppet's own code, and the rules of Puppet's auth.conf.
extension Reader {
  func puppet(_ pool: Section, _ name: PoolName, _ places: Places) -> Preset? {
    guard pool["puppet"] != nil else {
      pool.missing("puppet", example: "{confdir: /etc/puppet}")
      return nil
    }
    let section = pool.section("puppet")
    let configuration = section.required("confdir", example: "/etc/puppet", folder)
    let code = section.optional("codedir", folder)
    let certificates = section.optional("ssldir") { path($0) }
    let reports = section.read("reportdir", "\(places.state)/puppet/reports") { path($0) }
    let bucket = section.read("bucketdir", "\(places.state)/puppet/bucket") { path($0) }
    let timeout = section.read("environment_timeout", "unlimited", environmentTimeout)
    let servesFiles = section.read("files", true) { $0.yesOrNo() }
    let canary = canary(section)
    let ruby = ruby(section)
    let adapter = adapter(section)
    guard let ruby, let adapter, let configuration else { return nil }

    let folders = [
      ("--confdir", configuration), ("--codedir", code), ("--ssldir", certificates), ("--reportdir", reports),
      ("--bucketdir", bucket), ("--environment-timeout", timeout),
    ]
    let options = folders.flatMap { option, value in value.map { [option, $0] } ?? [] }
    let command =
      [ruby, adapter, "--socket", "{socket}", "--slot", "{slot}"] + options + canary + ["--title", "{pool}/{index}"]
    return Preset(
      command: command, environment: ["LANG": "C.UTF-8"], readyPath: "/status", alivePath: "/status",
      routes: puppetRoutes(to: name),
      keeps: [("ssldir", certificates), ("reportdir", reports), ("bucketdir", bucket)].compactMap { name, path in
        path.map { (name, $0) }
      },
      folders: [reports, bucket].compactMap { $0 },
      // A code directory lies below confdir, and `.resource_types` in it is a cache.
      reads: [("confdir", configuration), ("codedir", code)].compactMap { name, path in path.map { (name, $0) } },
      describeFiles: servesFiles ? [ruby, adapter, "--describe-files"] + options : nil)
  }

  /// Whose catalog a parent compiles before it says that it is ready, as the worker takes it.
  private func canary(_ section: Section) -> [String] {
    let node = section.read("canary", String?.none) { field in
      field.off { canaryName($0) }
    }
    let facts = section.optional("canary_facts", file)
    if section["canary"].map({ $0.isWord("off") }) ?? true, let field = section["canary_facts"] {
      findings.add(field.keySpot, field.path, "there is no canary", "write canary: NODE, or take it out")
    }
    guard let node else { return [] }
    return ["--canary", node] + (facts.map { ["--canary-facts", $0] } ?? [])
  }

  /// As certificates name nodes: Puppet takes no other letters.
  private func canaryName(_ field: Field) -> String? {
    guard let name = field.text(expected: "a node's name") else { return nil }
    let isName = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
    }
    guard isName, !name.hasPrefix("-") else {
      field.problem(
        "\(quoted(name)) cannot be a node's name", "write a certificate's name, such as web-1.example.com")
      return nil
    }
    return name
  }

  private func ruby(_ section: Section) -> String? {
    if let field = section["ruby"] { return interpreter(field) }
    if let found = surroundings.executable("ruby") ?? surroundings.executable("/usr/bin/ruby") { return found }
    let field = section.field
    findings.add(
      field.keySpot, "\(field.path).ruby", "there is no ruby on PATH", "install it, or write ruby: /path/to/ruby")
    return nil
  }

  private func interpreter(_ field: Field) -> String? {
    guard let text = field.text(expected: "/usr/bin/ruby") else { return nil }
    let name = text.contains("/") ? surroundings.absolute(text, from: folder) : text
    guard let found = surroundings.executable(name) else {
      field.problem("\(name) is not a program", "write the path of ruby, or install it")
      return nil
    }
    return found
  }

  private func adapter(_ section: Section) -> String? {
    if let field = section["adapter"] { return file(field) }
    let found = surroundings.mastersDirectory.map { "\($0)/puppet/worker.rb" }
    if let found, surroundings.look(at: found, followingLinks: true)?.kind == .file { return found }
    let field = section.field
    findings.add(
      field.keySpot, "\(field.path).adapter",
      found.map { "there is no file \($0)" } ?? "the Puppet worker was not found beside the program",
      "write adapter: /path/to/masters/puppet/worker.rb")
    return nil
  }

  /// How long a worker keeps its manifests, as Puppet's setting of that name takes it: `unlimited` or seconds.
  private func environmentTimeout(_ field: Field) -> String? {
    if field.isWord("unlimited") { return "unlimited" }
    if field.isWord("0") { return "0" }
    return field.time(in: .zero ... .seconds(365 * 86400), or: "unlimited, 0")
      .map { String($0.components.seconds) }
  }
}

/// Puppet's own rules: a node's catalog, node and report for itself alone, files for every verified node, and
/// nothing else. MRI Puppet has no authorization left of its own, so these are all that there is.
func puppetRoutes(to pool: PoolName) -> [Route] {
  let read = ["GET", "HEAD"]
  func own(_ path: String, _ methods: [String], retry: Bool = false, _ priority: RoutePriority) -> Route {
    Route(
      path: "/puppet/v3/\(path)/{certname}", methods: methods, allow: .self, pool: pool, retry: retry,
      priority: priority)
  }
  func shared(_ path: String, _ methods: [String], _ priority: RoutePriority) -> Route {
    Route(path: "/puppet/v3/\(path)", methods: methods, allow: .authenticated, pool: pool, priority: priority)
  }
  return [
    // A catalog request reads, whatever its method: its body is the node's facts.
    own("catalog", ["GET", "POST"], retry: true, .catalog),
    // The first thing that a fresh agent asks.
    own("node", ["GET"], .catalog),
    own("report", ["PUT"], .report),
    own("facts", ["PUT"], .catalog),
    shared("file_metadata/", read, .file),
    shared("file_metadatas/", read, .file),
    shared("file_content/", read, .file),
    shared("file_bucket_file/", ["GET", "HEAD", "PUT"], .file),
    shared("static_file_content/", ["GET"], .file),
    shared("environments", ["GET"], .normal),
  ]
}
