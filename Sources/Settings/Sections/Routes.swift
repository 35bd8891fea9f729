import Pool

/// A route and where it stands: its own entry, or its pool's where a preset brought it.
struct PlacedRoute {
  var route: Route
  var field: Field
  /// Nil for the file's own.
  var presetOf: PoolName?
}

extension Reader {
  static let maxRoutes = 1000
  private static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]

  /// The file's own routes, then those of the pools' presets.
  func routes(_ file: Section, of pools: [PlacedPool]) -> [PlacedRoute] {
    let presets = pools.flatMap { pool in
      (pool.preset?.routes ?? []).map { PlacedRoute(route: $0, field: pool.section.field, presetOf: pool.name) }
    }
    let example = "[{path: /, allow: authenticated, pool: \(pools.first?.name.rawValue ?? "masters")}]"
    let unread = pools.isEmpty || pools.contains { $0.plan == nil }
    guard let field = file["routes"] else {
      if presets.isEmpty, !unread { file.missing("routes", example: example) }
      return presets
    }
    guard let fields = field.filledList(expected: example) else { return presets }
    guard fields.count <= Reader.maxRoutes else {
      field.problem("there are \(fields.count) routes", "write at most \(Reader.maxRoutes)")
      return presets
    }
    return fields.compactMap { route($0, pools) } + presets
  }

  private func route(_ field: Field, _ pools: [PlacedPool]) -> PlacedRoute? {
    let section = Section(reading: field, .route)
    guard case .mapping = field.shape else { return nil }
    let path = section.required("path", example: "/", routePath)
    let methods = section.read("methods", [], methods)
    let allow = section.required("allow", example: "authenticated", accessRule)
    let pool = section.required("pool", example: pools.first?.name.rawValue ?? "masters") { self.pool($0, pools) }
    let retry = section.read("retry", false) { $0.yesOrNo() }
    let priority = section.read("priority", RoutePriority.normal, priority)
    if allow == .self, let path, !path.split(separator: "/").contains("{certname}") {
      section["path"]?.problem("allow: self needs a {certname} in the path", "write it in the name's place")
    }
    guard let path, let allow, let pool else { return nil }
    let route = Route(path: path, methods: methods, allow: allow, pool: pool, retry: retry, priority: priority)
    return PlacedRoute(route: route, field: section["path"] ?? field)
  }

  private func pool(_ field: Field, _ pools: [PlacedPool]) -> PoolName? {
    let names = pools.map(\.name.rawValue)
    guard let text = field.text(expected: "a pool's name") else { return nil }
    guard let pool = pools.first(where: { $0.name.rawValue == text }) else {
      // Without pools that one is to be mended first.
      guard !pools.isEmpty else { return nil }
      field.problem("there is no pool \(quoted(text))", "write \(nearest(to: text, among: names) ?? listed(names))")
      return nil
    }
    return pool.name
  }

  private func priority(_ field: Field) -> RoutePriority? {
    let words = RoutePriority.allCases.map(\.rawValue)
    guard let text = field.text(expected: listed(words)) else { return nil }
    guard let priority = RoutePriority(rawValue: text) else {
      field.problem("\(quoted(text)) is not a priority", "write \(nearest(to: text, among: words) ?? listed(words))")
      return nil
    }
    return priority
  }

  private func methods(_ field: Field) -> [String]? {
    field.filledList(expected: "[GET, POST]")?.compactMap { field in
      guard let text = field.text(expected: "a method such as GET") else { return nil }
      guard Reader.methods.contains(text) else {
        let upper = text.uppercased()
        field.problem(
          "\(quoted(text)) is not a method",
          "write \(Reader.methods.contains(upper) ? upper : listed(Reader.methods))")
        return nil
      }
      return text
    }
  }

  private func accessRule(_ field: Field) -> AccessRule? {
    let words = ["any", "authenticated", "self"]
    if case .list = field.shape {
      return field.filledList(expected: "the names of certificates")
        .map { .names($0.compactMap(certificateName)) }
    }
    guard let text = field.text(expected: "\(listed(words)), or a list of certificates' names") else { return nil }
    switch text {
    case "any": return .any
    case "authenticated": return .authenticated
    case "self": return .self
    default:
      let advice = nearest(to: text, among: words) ?? "\(listed(words)), or a list: [\(text)]"
      field.problem("\(quoted(text)) is not a rule", "write \(advice)")
      return nil
    }
  }

  private func certificateName(_ field: Field) -> String? {
    guard let name = field.text(expected: "a certificate's name") else { return nil }
    guard !name.contains("/"), !name.contains(" ") else {
      field.problem("\(quoted(name)) cannot be a certificate's name", "write the name alone, without CN=")
      return nil
    }
    return name
  }

  func routePath(_ field: Field) -> String? {
    guard let path = field.text(expected: "a path that starts with /") else { return nil }
    guard path.hasPrefix("/") else {
      field.problem("\(quoted(path)) does not start with a slash", "write /\(path)")
      return nil
    }
    let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    guard let flaw = flaw(of: path, segments) else { return path }
    field.problem("\(quoted(path)) \(flaw.what)", flaw.instead)
    return nil
  }

  private func flaw(of path: String, _ segments: [Substring]) -> (what: String, instead: String)? {
    if segments.dropLast().contains("") { return ("has an empty segment", "write single slashes") }
    if segments.contains(".") || segments.contains("..") {
      return ("has a . or .. in it", "write the path that it comes to")
    }
    if let odd = path.first(where: { "?#%\\ ".contains($0) }) {
      return ("holds \(quoted(String(odd)))", "write the decoded path alone, without a query")
    }
    var names: Set<Substring> = []
    for segment in segments where segment.contains("{") || segment.contains("}") {
      guard let name = captureName(segment) else {
        return ("has a brace that is not a whole segment's", "write /{name}/")
      }
      guard names.insert(name).inserted else { return ("names {\(name)} twice", "give each capture its own name") }
    }
    return nil
  }

  private func captureName(_ segment: Substring) -> Substring? {
    guard segment.hasPrefix("{"), segment.hasSuffix("}"), segment.count > 2 else { return nil }
    let name = segment.dropFirst().dropLast()
    return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } ? name : nil
  }
}
