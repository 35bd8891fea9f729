import Yams

/// A place in the file: line and, in Unicode scalars, column, both from 1.
struct Spot: Hashable, Comparable {
  static let start = Spot(line: 1, column: 1)

  var line: Int
  var column: Int

  static func < (a: Spot, b: Spot) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

extension Mark {
  var spot: Spot { Spot(line: line, column: column) }
}
