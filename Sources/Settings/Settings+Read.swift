import Pool

extension Settings {
  /// Reads a settings file's text; `file` is its name as it is to stand in the problems, and its folder is where
  /// relative paths start.
  ///
  /// Every problem is reported at once, in the order of the file.
  public static func read(
    text: String, file: String, surroundings: some Surroundings
  ) throws(Problems) -> Settings {
    throw Problems([])
  }
}
