import Pool

/// What `masterpool get` and `masterpool diff` print.
public enum SettingsPage {
  /// A line each: what it is, who says so, and what a change takes.
  public static func render(_ settings: [SettingsDocument.Setting], palette: Palette) -> String {
    var table = TextTable([.left, .left, .left, .left])
    table.add(["SETTING", "VALUE", "FROM", "A CHANGE IS"].map { TextTable.Cell(text: $0, ink: .faint) })
    for setting in settings {
      table.add([
        TextTable.Cell(text: setting.key.printable), TextTable.Cell(text: value(setting)),
        TextTable.Cell(text: origin(setting), ink: ink(setting.source)),
        TextTable.Cell(text: setting.change.rawValue),
      ])
    }
    return table.lines(indent: "", palette).joined(separator: "\n") + "\n"
  }

  /// A line each: what runs, what the files say, and who says otherwise.
  public static func render(_ found: SettingsDifferences, palette: Palette) -> String {
    let problems = found.problems.map { palette.paint($0.printable, .bad) }
    let refused = problems.isEmpty ? [] : ["A reload would be refused:"] + problems
    guard !found.differences.isEmpty else {
      let none = problems.isEmpty ? "What runs is what the files say." : "Nothing was set live."
      return (refused + [none]).joined(separator: "\n") + "\n"
    }
    var table = TextTable([.left, .left, .left, .left])
    table.add(["SETTING", "RUNNING", "IN THE FILES", "FROM"].map { TextTable.Cell(text: $0, ink: .faint) })
    for difference in found.differences {
      table.add([
        TextTable.Cell(text: difference.key.printable),
        TextTable.Cell(text: difference.running.map(value) ?? "-"),
        TextTable.Cell(text: difference.file.map(value) ?? "-"), TextTable.Cell(text: origin(difference)),
      ])
    }
    return (refused + table.lines(indent: "", palette)).joined(separator: "\n") + "\n"
  }

  public static func value(_ setting: SettingsDocument.Setting) -> String { setting.value?.printable ?? "not set" }

  private static func origin(_ setting: SettingsDocument.Setting) -> String {
    switch setting.source {
    case .default: "default"
    case .file: setting.place?.printable ?? "file"
    case .set: "set" + (setting.by.map { " by \($0.printable)" } ?? "") + (setting.since.map { " at \($0)" } ?? "")
    case .scale: "masterpool scale"
    }
  }

  /// Whoever stands above the files, or where these have changed since.
  private static func origin(_ difference: SettingsDifferences.Difference) -> String {
    switch difference.running?.source {
    case .set?, .scale?: difference.running.map(origin) ?? "-"
    case .file?, .default?, nil: (difference.file ?? difference.running).map(origin) ?? "-"
    }
  }

  private static func ink(_ source: SettingsDocument.Source) -> Palette.Ink? {
    switch source {
    case .default: .faint
    case .file: nil
    case .set, .scale: .busy
    }
  }
}
