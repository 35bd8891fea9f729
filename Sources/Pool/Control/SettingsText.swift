/// What stands in one settings file.
public struct SettingsText: Hashable, Sendable {
  /// The file's name as it is to stand in problems.
  public var file: String
  public var text: String

  public init(file: String, text: String) {
    self.file = file
    self.text = text
  }
}
