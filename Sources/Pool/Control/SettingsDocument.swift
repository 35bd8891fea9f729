/// `GET /v1/settings`: what is in force, and where each value comes from.
public struct SettingsDocument: Hashable, Sendable, Codable {
  /// In the order of the sample file; pools in the order of the file.
  public var settings: [Setting]

  public init(settings: [Setting]) { self.settings = settings }

  public struct Setting: Hashable, Sendable, Codable {
    /// `pools.masters.recycle.every`; a list is one setting.
    public var key: String
    /// As it is written, or its default; nil: there is none. What may be secret is not in it.
    public var value: String?
    public var defaultValue: String?
    public var source: Source
    /// `FILE:LINE`, where a file says it.
    public var place: String?
    /// Who set it, and when, where it was set live.
    public var by: String?
    public var since: String?
    /// What a change of it takes.
    public var change: SettingChange

    public init(
      key: String, value: String?, defaultValue: String?, source: Source, place: String? = nil, by: String? = nil,
      since: String? = nil, change: SettingChange
    ) {
      self.key = key
      self.value = value
      self.defaultValue = defaultValue
      self.source = source
      self.place = place
      self.by = by
      self.since = since
      self.change = change
    }

    enum CodingKeys: String, CodingKey {
      case key, value, source, place, by, since, change
      case defaultValue = "default"
    }
  }

  public enum Source: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nobody said anything.
    case `default`
    case file
    /// `masterpool set`.
    case set
    /// `masterpool scale`.
    case scale
  }
}

/// `GET /v1/settings/differences`: what is in force and not so in the files as they are now, or the other way round.
public struct SettingsDifferences: Hashable, Sendable, Codable {
  public var differences: [Difference]
  /// Why a reload would be refused now, a line each; then only what was set or scaled is compared.
  public var problems: [String]

  public init(differences: [Difference], problems: [String] = []) {
    self.differences = differences
    self.problems = problems
  }

  public struct Difference: Hashable, Sendable, Codable {
    public var key: String
    /// What is in force; nil: nothing is, or the key means nothing there.
    public var running: SettingsDocument.Setting?
    /// What a reload would put in force.
    public var file: SettingsDocument.Setting?

    public init(key: String, running: SettingsDocument.Setting?, file: SettingsDocument.Setting?) {
      self.key = key
      self.running = running
      self.file = file
    }
  }
}

extension SettingsDifferences {
  /// Of two readings of the settings.
  public init(between running: [SettingsDocument.Setting], and files: [SettingsDocument.Setting]) {
    let later = Dictionary(files.map { ($0.key, $0) }) { first, _ in first }
    let known = Set(running.map(\.key))
    let changed = running.compactMap { setting -> Difference? in
      let file = later[setting.key]
      return file?.value == setting.value && file != nil
        ? nil : Difference(key: setting.key, running: setting, file: file)
    }
    let added = files.filter { !known.contains($0.key) }.map { Difference(key: $0.key, running: nil, file: $0) }
    self.init(differences: changed + added)
  }
}
