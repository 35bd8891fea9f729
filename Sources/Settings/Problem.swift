/// One thing that is wrong with a settings file: where, what, and what to write instead.
public struct Problem: Hashable, Sendable, CustomStringConvertible {
  /// Empty: it was set live, and stands in none.
  public var file: String
  /// Counted from 1.
  public var line: Int
  /// Counted from 1, in Unicode scalars.
  public var column: Int
  /// `pools.masters.workers`; empty where it is the file as a whole.
  public var path: String
  public var what: String
  public var instead: String

  public init(file: String, line: Int, column: Int, path: String, what: String, instead: String) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.what = what
    self.instead = instead
  }

  /// `masterpool.yaml:14:12: pools.masters.workers: 0 is too small; write auto, or a number from 1 to 1024`
  public var description: String {
    let place = file.isEmpty ? "" : "\(file):\(line):\(column): "
    return "\(place)\(path.isEmpty ? "" : "\(path): ")\(what); \(instead)"
  }
}

/// All that is wrong with a file, in the order of the file; never empty.
public struct Problems: Error, Hashable, Sendable, CustomStringConvertible {
  public var all: [Problem]

  public init(_ all: [Problem]) { self.all = all }

  /// One problem a line.
  public var description: String { all.map(\.description).joined(separator: "\n") }
}
