/// Routes made ready to be matched against a request without allocating anything. First match wins: a route whose path
/// fits but whose methods do not is no match, and the search goes on.
///
///     let table = try RouteTable(configuration.routes)
///     switch table.match(path: path, method: method, identity: certificateName) { … }
public struct RouteTable: Sendable {
  private var rules: [Rule] = []
  private var segments: [Segment] = []
  /// Methods and certificate names, each rule's in a row.
  private var words: [Word] = []
  /// What segments and words are made of.
  private var text: [UInt8] = []

  /// The first route that cannot be what was meant is the problem.
  public init(_ routes: [Route]) throws(RouteProblem) {
    for (index, route) in routes.enumerated() {
      do throws(RouteProblem.Cause) {
        try append(route)
      } catch {
        throw RouteProblem(routeIndex: index, path: route.path, cause: error)
      }
    }
  }

  /// Where a request goes, or why it may not. `path` is normalized (percent-decoded, without `//` and dot segments);
  /// `identity` is the verified certificate's name, empty where there is none. Names are compared byte for byte: Puppet's
  /// are lower case, and a certificate that spells another case is another name.
  public func match(path: Span<UInt8>, method: Span<UInt8>, identity: Span<UInt8>) -> Verdict {
    for index in rules.indices {
      let rule = rules[index]
      guard accepts(method, rule), let captured = capture(path, rule) else { continue }
      guard let reason = objection(rule, path, captured, identity) else { return .allowed(routeIndex: index) }
      return .forbidden(routeIndex: index, reason)
    }
    return .forbidden(routeIndex: nil, .noRoute)
  }

  public enum Verdict: Hashable, Sendable {
    /// An index into the routes that the table was made of.
    case allowed(routeIndex: Int)
    /// The index is nil where no route fits.
    case forbidden(routeIndex: Int?, ForbiddenReason)
  }
}

/// Why a request is answered 403.
public enum ForbiddenReason: String, Hashable, Sendable, Codable, CaseIterable {
  case noRoute = "no_route"
  case needsCertificate = "needs_certificate"
  case notYourOwn = "not_your_own"
  case notInTheList = "not_in_the_list"

  /// One sentence for the body of the response and for the log.
  public var explanation: String {
    switch self {
    case .noRoute: "No route serves this path and method."
    case .needsCertificate: "This path needs a client certificate of this site's authority."
    case .notYourOwn: "This path is for the agent whose certificate name it holds."
    case .notInTheList: "The certificate's name is not among those that may use this path."
    }
  }
}

extension RouteTable {
  private struct Rule {
    var segments: Range<Int>
    /// True where everything below the segments is meant too.
    var takesAllBelow: Bool
    var methods: Range<Int>
    var access: Access
    var names: Range<Int>
  }

  private enum Access: BitwiseCopyable {
    case any, authenticated, own, names
  }

  private enum Segment: BitwiseCopyable {
    case literal(Word)
    case capture
    case certname
  }

  /// A range of `text`.
  private struct Word: BitwiseCopyable {
    var start: Int
    var end: Int
  }

  private func accepts(_ method: Span<UInt8>, _ rule: Rule) -> Bool {
    rule.methods.isEmpty || holds(rule.methods, method)
  }

  private func holds(_ range: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
    for index in range where equals(words[index], bytes, 0, bytes.count) { return true }
    return false
  }

  /// The range of `{certname}` in the path (empty where the route has none); nil where the path does not fit.
  private func capture(_ path: Span<UInt8>, _ rule: Rule) -> Range<Int>? {
    guard path.count > 0, path[0] == RoutePattern.slash else { return nil }
    var captured = 0..<0
    var at = 0
    for index in rule.segments {
      guard at < path.count else { return nil }
      let start = at + 1
      let end = segmentEnd(path, from: start)
      switch segments[index] {
      case .literal(let word): guard equals(word, path, start, end) else { return nil }
      case .capture: guard end > start else { return nil }
      case .certname:
        guard end > start else { return nil }
        captured = start..<end
      }
      at = end
    }
    return rule.takesAllBelow ? (at < path.count ? captured : nil) : (at == path.count ? captured : nil)
  }

  private func segmentEnd(_ path: Span<UInt8>, from start: Int) -> Int {
    var end = start
    while end < path.count, path[end] != RoutePattern.slash { end += 1 }
    return end
  }

  private func objection(
    _ rule: Rule, _ path: Span<UInt8>, _ captured: Range<Int>, _ identity: Span<UInt8>
  ) -> ForbiddenReason? {
    switch rule.access {
    case .any: return nil
    case .authenticated: return identity.isEmpty ? .needsCertificate : nil
    case .own:
      if identity.isEmpty { return .needsCertificate }
      return same(path, captured, identity) ? nil : .notYourOwn
    case .names:
      if identity.isEmpty { return .needsCertificate }
      return holds(rule.names, identity) ? nil : .notInTheList
    }
  }

  private func same(_ path: Span<UInt8>, _ range: Range<Int>, _ identity: Span<UInt8>) -> Bool {
    guard range.count == identity.count else { return false }
    for index in 0..<identity.count where path[range.lowerBound + index] != identity[index] { return false }
    return true
  }

  private func equals(_ word: Word, _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard word.end - word.start == end - start else { return false }
    for index in 0..<(end - start) where text[word.start + index] != bytes[start + index] { return false }
    return true
  }
}

extension RouteTable {
  private mutating func append(_ route: Route) throws(RouteProblem.Cause) {
    let pattern = try RoutePattern(route.path)
    let firstSegment = segments.count
    for part in pattern.parts {
      switch part {
      case .literal(let literal): segments.append(.literal(intern(literal)))
      case .capture("certname"): segments.append(.certname)
      case .capture: segments.append(.capture)
      }
    }
    for method in route.methods where !RoutePattern.isMethod(method) { throw .method(method) }
    let methods = append(words: route.methods)
    let (access, names) = try access(route.allow, pattern)
    rules.append(
      Rule(
        segments: firstSegment..<segments.count, takesAllBelow: pattern.takesAllBelow, methods: methods,
        access: access, names: append(words: names)))
  }

  private func access(_ rule: AccessRule, _ pattern: RoutePattern) throws(RouteProblem.Cause) -> (Access, [String]) {
    switch rule {
    case .any: return (.any, [])
    case .authenticated: return (.authenticated, [])
    case .self:
      guard pattern.captures.contains("certname") else { throw .selfWithoutCertname }
      return (.own, [])
    case .names(let names):
      guard !names.isEmpty, !names.contains("") else { throw .noNames }
      return (.names, names)
    }
  }

  private mutating func append(words strings: [String]) -> Range<Int> {
    let first = words.count
    for string in strings { words.append(intern(string)) }
    return first..<words.count
  }

  private mutating func intern(_ string: String) -> Word {
    let start = text.count
    text.append(contentsOf: string.utf8)
    return Word(start: start, end: text.count)
  }
}
