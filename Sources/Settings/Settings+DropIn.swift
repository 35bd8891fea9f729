import Pool
import Yams

extension Settings {
  private static let heading = """
    # Written by `masterpool set KEY=VALUE --persist`, which writes all of it anew each time: whatever else is to be set
    # belongs in the settings file or in a drop-in of another name.

    """

  /// The text of the drop-in that keeps what is set for good.
  ///
  /// - Parameters:
  ///   - text: what is in it by now; nil: there is no such file yet.
  ///   - values: by key; the keys of empty ones are taken out.
  ///   - texts: the files as they were read; keys must mean something there.
  public static func dropIn(
    _ text: String?, file: String, setting values: [String: String], of texts: [SettingsText]
  ) throws(Problems) -> String {
    let known = try Document(texts, []).root
    var root = if let text { try Document.tree(of: SettingsText(file: file, text: text)) } else { Node?.none }
    var problems: [Problem] = []
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      do throws(Problems) {
        let names = try SettingKey(key).names(in: known)
        if value.isEmpty {
          guard let found = root, found.holds(names) else {
            throw Problems([Problem(at: key, "it is not set in \(file)", "see masterpool get \(key) for where it is")]
            )
          }
          root = found.without(names)
        } else {
          let above = try Document.value(of: SettingOverride(key: key, value: value, at: "")).nested(under: names)
          root = root.map { $0.overlaid(by: above) } ?? above
        }
      } catch {
        problems += error.all
      }
    }
    guard problems.isEmpty else { throw Problems(problems) }
    return heading + written(root)
  }

  private static func written(_ root: Node?) -> String {
    guard let root else { return "" }
    // Fails only on what the parser would not have taken.
    return (try? Yams.serialize(node: root, width: -1, allowUnicode: true)) ?? ""
  }
}

extension Node {
  fileprivate func holds(_ names: [String]) -> Bool {
    guard let name = names.first else { return true }
    return mapping?[Node(name)]?.holds(Array(names.dropFirst())) ?? false
  }

  /// Nil: nothing is left.
  fileprivate func without(_ names: [String]) -> Node? {
    guard let name = names.first, case .mapping(let mapping) = self else { return nil }
    let rest = mapping.compactMap { key, value -> (Node, Node)? in
      guard key.string == name else { return (key, value) }
      return value.without(Array(names.dropFirst())).map { (key, $0) }
    }
    return rest.isEmpty ? nil : .mapping(Node.Mapping(rest, mapping.tag, mapping.style))
  }
}
