import Foundation
import Yams

/// A value of JSON or YAML.
indirect enum JSON: Hashable, Decodable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSON].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  init(json: [UInt8]) throws { self = try JSONDecoder().decode(JSON.self, from: Data(json)) }

  init(yaml: String) throws { self = JSON(yaml: try Yams.load(yaml: yaml)) }

  private init(yaml value: Any?) {
    switch value {
    case let bool as Bool: self = .bool(bool)
    case let integer as Int: self = .integer(integer)
    case let number as Double: self = .number(number)
    case let string as String: self = .string(string)
    case let array as [Any]: self = .array(array.map { JSON(yaml: $0) })
    case let object as [AnyHashable: Any]:
      self = .object(
        Dictionary(uniqueKeysWithValues: object.map { ("\($0.key)", JSON(yaml: $0.value)) }))
    default: self = .null
    }
  }

  subscript(key: String) -> JSON? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  var members: [String: JSON] {
    if case .object(let members) = self { members } else { [:] }
  }

  var items: [JSON] {
    if case .array(let items) = self { items } else { [] }
  }

  var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  var amount: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}

/// JSON Schema (2020-12) as far as our description uses it. An object that has a member of another name than the schema
/// knows is wrong: a description that lags behind is found.
struct JSONSchema {
  /// The whole description, where `$ref` points.
  let document: JSON

  /// What is wrong with `value`, each with its place; a word of the schema that is not understood is wrong too.
  func problems(of value: JSON, by schema: JSON, at place: String = "$") -> [String] {
    var found: [String] = []
    for (word, rule) in schema.members {
      switch word {
      case "description", "example", "default", "format", "required", "properties", "additionalProperties": continue
      case "$ref": found += problems(of: value, by: resolve(rule), at: place)
      case "type": found += isOf(value, rule.text) ? [] : ["\(place) is no \(rule.text ?? "?")"]
      case "const": found += value == rule ? [] : ["\(place) is not \(rule)"]
      case "enum": found += rule.items.contains(value) ? [] : ["\(place): \(value) is none of the enum"]
      case "minimum": found += (value.amount ?? 0) >= (rule.amount ?? 0) ? [] : ["\(place) is too small"]
      case "maximum": found += (value.amount ?? 0) <= (rule.amount ?? 0) ? [] : ["\(place) is too large"]
      case "pattern":
        let fits = value.text?.range(of: rule.text ?? "", options: .regularExpression) != nil
        found += fits ? [] : ["\(place): \(value) does not fit \(rule)"]
      case "items":
        for (index, item) in value.items.enumerated() {
          found += problems(of: item, by: rule, at: "\(place)[\(index)]")
        }
      case "oneOf":
        let fitting = rule.items.filter { problems(of: value, by: $0).isEmpty }
        found += fitting.count == 1 ? [] : ["\(place) fits \(fitting.count) of oneOf"]
      default: found.append("\(place): the schema's word \(word) is not understood")
      }
    }
    return found + membersProblems(of: value, by: schema, at: place)
  }

  private func membersProblems(of value: JSON, by schema: JSON, at place: String) -> [String] {
    guard case .object(let members) = value, schema["type"]?.text == "object" else { return [] }
    let known = schema["properties"]?.members ?? [:]
    var found = (schema["required"]?.items ?? []).compactMap(\.text).filter { members[$0] == nil }
      .map { "\(place).\($0) is missing" }
    for (name, member) in members {
      if let rule = known[name] ?? schema["additionalProperties"] {
        found += problems(of: member, by: rule, at: "\(place).\(name)")
      } else {
        found.append("\(place).\(name) is not described")
      }
    }
    return found
  }

  func resolve(_ reference: JSON) -> JSON {
    let path = (reference.text ?? "").split(separator: "/").dropFirst()
    return path.reduce(document) { $0[String($1)] ?? .null }
  }

  /// The value itself, or what it refers to.
  func resolved(_ value: JSON) -> JSON { value["$ref"].map(resolve) ?? value }

  private func isOf(_ value: JSON, _ type: String?) -> Bool {
    switch (type, value) {
    case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool), ("integer", .integer),
      ("number", .integer), ("number", .number), ("null", .null):
      true
    default: false
    }
  }
}
