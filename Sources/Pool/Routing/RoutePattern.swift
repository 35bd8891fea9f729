/// A route's path, taken apart: `/a/{name}/b` fits segment by segment, `/a/` everything below it.
struct RoutePattern {
  enum Part: Equatable {
    case literal(String)
    case capture(String)
  }

  private(set) var parts: [Part] = []
  private(set) var captures: Set<String> = []
  let takesAllBelow: Bool

  static let slash = UInt8(ascii: "/")

  init(_ path: String) throws(RouteProblem.Cause) {
    // By bytes, not characters: a combining mark behind a slash leaves it a slash.
    let bytes = Array(path.utf8)
    guard bytes.first == RoutePattern.slash else { throw .noLeadingSlash }
    takesAllBelow = bytes.last == RoutePattern.slash
    var segments = bytes.split(separator: RoutePattern.slash, omittingEmptySubsequences: false).dropFirst()
    if takesAllBelow { segments = segments.dropLast() }
    for segment in segments { parts.append(try part(Array(segment))) }
  }

  private mutating func part(_ bytes: [UInt8]) throws(RouteProblem.Cause) -> Part {
    let segment = String(decoding: bytes, as: UTF8.self)
    if bytes.isEmpty { throw .emptySegment }
    guard bytes.contains(where: isBrace) else { return .literal(try literal(segment)) }
    let inner = bytes.dropFirst().dropLast()
    guard bytes.first == UInt8(ascii: "{"), bytes.count > 1, bytes.last == UInt8(ascii: "}"),
      !inner.contains(where: isBrace)
    else { throw .braceInSegment(segment) }
    if inner.isEmpty { throw .emptyCapture }
    let name = String(decoding: inner, as: UTF8.self)
    guard captures.insert(name).inserted else { throw .duplicateCapture(name) }
    return .capture(name)
  }

  private func isBrace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") }

  /// Requests are matched after decoding and normalization, so some literals would never fit.
  private func literal(_ segment: String) throws(RouteProblem.Cause) -> String {
    if segment == "." || segment == ".." { throw .dotSegment }
    let bytes = Array(segment.utf8)
    if bytes.contains(UInt8(ascii: "?")) || bytes.contains(UInt8(ascii: "#")) { throw .query }
    for index in bytes.indices where bytes[index] == UInt8(ascii: "%") && index + 2 < bytes.count {
      if isHex(bytes[index + 1]), isHex(bytes[index + 2]) { throw .percentEncoded(segment) }
    }
    return segment
  }

  private func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }

  /// Methods are compared byte for byte, and all that are in use are upper case.
  static func isMethod(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-") }
  }
}

/// A route that cannot be what was meant.
public struct RouteProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// The route's place in the list, from 0.
  public let routeIndex: Int
  public let path: String
  public let cause: Cause

  public enum Cause: Error, Hashable, Sendable {
    case noLeadingSlash, emptySegment, dotSegment, query
    case percentEncoded(String)
    case emptyCapture
    case duplicateCapture(String)
    case braceInSegment(String)
    case selfWithoutCertname
    case method(String)
    case noNames
  }

  public var description: String { "\(path): \(cause)" }
}

extension RouteProblem.Cause: CustomStringConvertible {
  /// What is wrong, and what to write instead.
  public var description: String {
    switch self {
    case .noLeadingSlash: "a route's path starts with /"
    case .emptySegment: "// is refused in requests, so it never fits; write a single /"
    case .dotSegment: "segments . and .. are refused in requests, so they never fit; write the path without them"
    case .query: "routes look at the path alone; leave out ? and # and what follows"
    case .percentEncoded(let segment): "paths are compared after decoding; write \(segment) decoded"
    case .emptyCapture: "{} has no name; write {name}"
    case .duplicateCapture(let name): "{\(name)} is there twice; give each capture its own name"
    case .braceInSegment(let segment): "a capture is a whole segment; write /{name}/ instead of \(segment)"
    case .selfWithoutCertname: "allow: self needs {certname} in the path"
    case .method(let name): "\"\(name)\" is no method; write upper-case names such as GET"
    case .noNames: "a list of certificate names is not empty and holds no empty name"
    }
  }
}
