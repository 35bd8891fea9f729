/// Whose lines are whose, where several files are read as if they stood one below the other.
struct FileTable {
  private var files: [(name: String, firstLine: Int)] = []
  /// The next file's first one.
  private(set) var nextLine = 1

  mutating func append(_ name: String, lines: Int) {
    files.append((name, nextLine))
    nextLine += lines
  }

  /// The file, and the place as it is counted in there.
  func place(of spot: Spot) -> (file: String, spot: Spot) {
    guard let file = files.last(where: { $0.firstLine <= spot.line }) else { return ("", spot) }
    return (file.name, Spot(line: spot.line - file.firstLine + 1, column: spot.column))
  }
}
