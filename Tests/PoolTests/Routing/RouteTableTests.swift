import Testing

@testable import Pool

private func route(_ path: String, _ allow: AccessRule = .any, methods: [String] = []) -> Route {
  guard let pool = PoolName(rawValue: "masters") else { preconditionFailure("a good name is refused") }
  return Route(path: path, methods: methods, allow: allow, pool: pool)
}

extension RouteTable {
  fileprivate func match(_ path: String, _ method: String = "GET", as identity: String = "") -> Verdict {
    let path = Array(path.utf8)
    let method = Array(method.utf8)
    let identity = Array(identity.utf8)
    return match(path: path.span, method: method.span, identity: identity.span)
  }
}

@Suite struct RouteTableTests {
  @Test(arguments: [
    ("/status", "/status", true),
    ("/status", "/status/", false),
    ("/status", "/statusx", false),
    ("/status", "/statu", false),
    ("/status", "/Status", false),
    ("/status", "/", false),
    ("/", "/", true),
    ("/", "/anything/at/all", true),
    ("/", "*", false),
    ("/", "", false),
    ("/a/", "/a", false),
    ("/a/", "/a/", true),
    ("/a/", "/a/b/c", true),
    ("/a/", "/ab/c", false),
    ("/a/{x}", "/a/b", true),
    ("/a/{x}", "/a/", false),
    ("/a/{x}", "/a", false),
    ("/a/{x}", "/a/b/c", false),
    ("/a/{x}/c", "/a/b/c", true),
    ("/a/{x}/c", "/a/b/d", false),
    ("/a/{x}/", "/a/b/", true),
    ("/a/{x}/", "/a/b/c/d", true),
    ("/a/{x}/", "/a/b", false),
    ("/a/{x}/{y}", "/a/b/c", true),
    ("/with space/é", "/with space/é", true),
    ("/100%", "/100%", true),
    ("/a/\u{301}b", "/a/\u{301}b", true),
  ])
  func fitsSegmentBySegment(pattern: String, path: String, fits: Bool) throws {
    let verdict = try RouteTable([route(pattern)]).match(path)
    #expect(verdict == (fits ? .allowed(routeIndex: 0) : .forbidden(routeIndex: nil, .noRoute)))
  }

  @Test(arguments: [
    (AccessRule.any, "", nil as ForbiddenReason?),
    (.any, "other", nil),
    (.authenticated, "", .needsCertificate),
    (.authenticated, "other", nil),
    (.self, "", .needsCertificate),
    (.self, "agent01.example.com", nil),
    (.self, "agent02.example.com", .notYourOwn),
    // Byte for byte: no case is folded, no prefix or suffix is enough.
    (.self, "Agent01.example.com", .notYourOwn),
    (.self, "agent01.example.co", .notYourOwn),
    (.self, "agent01.example.com.", .notYourOwn),
    (.self, "gent01.example.com", .notYourOwn),
    (.names(["ca", "reporter"]), "", .needsCertificate),
    (.names(["ca", "reporter"]), "reporter", nil),
    (.names(["ca", "reporter"]), "report", .notInTheList),
    (.names(["ca", "reporter"]), "careporter", .notInTheList),
  ])
  func whoMayUseARoute(rule: AccessRule, identity: String, reason: ForbiddenReason?) throws {
    let table = try RouteTable([route("/catalog/{certname}", rule)])
    let verdict = table.match("/catalog/agent01.example.com", as: identity)
    let expected = reason.map { RouteTable.Verdict.forbidden(routeIndex: 0, $0) } ?? .allowed(routeIndex: 0)
    #expect(verdict == expected)
  }

  @Test func firstMatchWinsAndItsWordIsFinal() throws {
    let table = try RouteTable([
      route("/catalog/{certname}", .self), route("/catalog/{name}", .any), route("/", .authenticated),
    ])
    #expect(table.match("/catalog/a", as: "a") == .allowed(routeIndex: 0))
    #expect(table.match("/catalog/a", as: "b") == .forbidden(routeIndex: 0, .notYourOwn))
    #expect(table.match("/other", as: "b") == .allowed(routeIndex: 2))
    #expect(table.match("/other") == .forbidden(routeIndex: 2, .needsCertificate))
  }

  @Test(arguments: [
    ("GET", RouteTable.Verdict.allowed(routeIndex: 0)),
    ("PUT", .allowed(routeIndex: 1)),
    ("POST", .allowed(routeIndex: 1)),
    ("DELETE", .forbidden(routeIndex: nil, .noRoute)),
    ("get", .forbidden(routeIndex: nil, .noRoute)),
    ("GETX", .forbidden(routeIndex: nil, .noRoute)),
    ("", .forbidden(routeIndex: nil, .noRoute)),
  ])
  func aRouteForOtherMethodsIsPassedOver(method: String, verdict: RouteTable.Verdict) throws {
    let table = try RouteTable([route("/r", methods: ["GET"]), route("/r", methods: ["POST", "PUT"])])
    #expect(table.match("/r", method) == verdict)
  }

  @Test func theRightSegmentIsTheCertname() throws {
    let table = try RouteTable([route("/{a}/{certname}/{b}", .self)])
    #expect(table.match("/x/me/y", as: "me") == .allowed(routeIndex: 0))
    #expect(table.match("/me/x/y", as: "me") == .forbidden(routeIndex: 0, .notYourOwn))
  }

  @Test func anEmptyTableForbidsEverything() throws {
    #expect(try RouteTable([]).match("/", as: "a") == .forbidden(routeIndex: nil, .noRoute))
  }
}

@Suite struct RouteProblemTests {
  @Test(arguments: [
    (route(""), RouteProblem.Cause.noLeadingSlash),
    (route("status"), .noLeadingSlash),
    (route("/a//b"), .emptySegment),
    (route("//"), .emptySegment),
    (route("/a/./b"), .dotSegment),
    (route("/.."), .dotSegment),
    (route("/a?b=c"), .query),
    (route("/a%20b"), .percentEncoded("a%20b")),
    (route("/{}"), .emptyCapture),
    (route("/{a}/{a}"), .duplicateCapture("a")),
    (route("/x{a}"), .braceInSegment("x{a}")),
    (route("/{a}x"), .braceInSegment("{a}x")),
    (route("/{a"), .braceInSegment("{a")),
    (route("/a}"), .braceInSegment("a}")),
    (route("/{"), .braceInSegment("{")),
    (route("/{{a}}"), .braceInSegment("{{a}}")),
    (route("/catalog/{name}", .self), .selfWithoutCertname),
    (route("/", .self), .selfWithoutCertname),
    (route("/", methods: ["get"]), .method("get")),
    (route("/", methods: [""]), .method("")),
    (route("/", .names([])), .noNames),
    (route("/", .names(["a", ""])), .noNames),
  ])
  func whatCannotBeMeant(wrong: Route, cause: RouteProblem.Cause) {
    #expect(throws: RouteProblem(routeIndex: 1, path: wrong.path, cause: cause)) {
      try RouteTable([route("/fine"), wrong])
    }
  }

  @Test func saysWhereAndWhatToWriteInstead() {
    let problem = RouteProblem(routeIndex: 3, path: "/{a", cause: .braceInSegment("{a"))
    #expect(problem.description == "/{a: a capture is a whole segment; write /{name}/ instead of {a")
  }
}
