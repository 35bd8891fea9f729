import Pool
import Yams

/// What each key of the settings comes to, noted while they are read.
struct Account {
  private var notes: [String: Note] = [:]
  /// Of named sections, in the order of the file.
  private var names: [String: [String]] = [:]

  private struct Note {
    /// What was written and where, if it was. Not the field, which holds the findings, which hold this.
    var written: (node: Node, spot: Spot)?
    var defaultValue: String?
  }

  /// A section was entered; a list's members are not told one by one.
  mutating func enter(_ path: String, _ vocabulary: Vocabulary, _ values: [String: Field]) {
    guard !path.contains("[") else { return }
    for key in vocabulary.keys where notes[joined(path, key)] == nil {
      notes[joined(path, key)] = Note(written: values[key].map { ($0.node, $0.spot) })
    }
  }

  mutating func name(_ names: [String], below path: String) { self.names[path] = names }

  mutating func note(_ path: String, defaultValue: String?) { notes[path]?.defaultValue = defaultValue }

  func settings(_ findings: Findings, _ overrides: [SettingOverride]) -> [SettingsDocument.Setting] {
    var settings: [SettingsDocument.Setting] = []
    func add(_ vocabulary: Vocabulary, below path: String) {
      for key in vocabulary.keys {
        let path = joined(path, key)
        guard let section = vocabulary.sections[key] else {
          if let note = notes[path] { settings.append(setting(path, note, findings, overrides)) }
          continue
        }
        switch (section.sections["*"], names[path]) {
        case (let member?, let names?): for name in names { add(member, below: joined(path, name)) }
        case (_?, nil): if let note = notes[path] { settings.append(setting(path, note, findings, overrides)) }
        case (nil, _): add(section, below: path)
        }
      }
    }
    add(.file, below: "")
    return settings
  }

  private func setting(
    _ key: String, _ note: Note, _ findings: Findings, _ overrides: [SettingOverride]
  ) -> SettingsDocument.Setting {
    let change = SettingChange(ofKey: key)
    guard let (node, spot) = note.written else {
      return .init(
        key: key, value: note.defaultValue, defaultValue: note.defaultValue, source: .default, change: change)
    }
    let (file, place) = findings.files.place(of: node.latest ?? spot)
    let override =
      file.isEmpty ? overrides.last { isFolder($0.key, holding: key) || isFolder(key, holding: $0.key) } : nil
    return .init(
      key: key, value: node.written(Vocabulary.concealment(of: key)), defaultValue: note.defaultValue,
      source: file.isEmpty ? .set : .file, place: file.isEmpty ? nil : "\(file):\(place.line)", by: override?.by,
      since: override?.at, change: change)
  }

  /// `a.b` holds `a.b.c`.
  private func isFolder(_ outer: String, holding inner: String) -> Bool {
    inner == outer || inner.hasPrefix("\(outer).")
  }
}

func joined(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

extension Node {
  /// Where the last of those stands that had a say in it.
  fileprivate var latest: Spot? {
    guard case .mapping(let mapping) = self else { return mark?.spot }
    return mapping.compactMap(\.value.latest).max() ?? mark?.spot
  }

  /// In one line of YAML, without what is to be hidden.
  fileprivate func written(_ hidden: Concealment) -> String {
    switch self {
    case .scalar(let scalar): hidden.shown(scalar.string)
    case .sequence(let list): "[\(list.map { $0.member(hidden) }.joined(separator: ", "))]"
    case .mapping(let mapping):
      "{\(mapping.map { "\($0.key.member(.nothing)): \($0.value.member(hidden.below($0.key.string)))" }.joined(separator: ", "))}"
    case .alias(let alias): "*\(alias.anchor.rawValue)"
    }
  }

  /// In quotes where it was, or where it would not be the same without.
  private func member(_ hidden: Concealment) -> String {
    guard case .scalar(let scalar) = self, hidden.isOpen else { return written(hidden) }
    let isPlain =
      scalar.style == .plain && !scalar.string.isEmpty
      && scalar.string.unicodeScalars.allSatisfy { $0.value >= 0x20 && !",[]{}".unicodeScalars.contains($0) }
    return isPlain ? scalar.string : scalar.string.debugDescription
  }
}

/// How a default is written in the file.
func writtenDefault(_ value: Any) -> String? {
  switch value {
  case let time as Duration: time == .zero ? "0s" : time.short
  case let size as ByteCount: size.description
  case let number as Int: String(number)
  case let isSo as Bool: isSo ? "yes" : "no"
  case let text as String: text
  case let share as Share: share.written
  case let part as Double: "\(Int((part * 100).rounded()))%"
  case let list as [Any]: list.isEmpty ? "[]" : nil
  case let word as any RawRepresentable: word.rawValue as? String
  default: nil
  }
}

extension Share {
  fileprivate var written: String {
    switch self {
    case .percent(let percent): "\(percent)%"
    case .count(let count): "\(count)"
    }
  }
}
