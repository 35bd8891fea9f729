/// A pattern of `ignore`, as Ruby's `File.fnmatch?` without flags takes it: `*`, `?`, and no wildcard for a leading dot.
struct IgnorePattern: Hashable {
  private var scalars: [Unicode.Scalar]

  /// Nil for sets and escapes, which are left to Ruby.
  init?(_ text: String) {
    guard !text.utf8.contains(where: { byte in "[]\\\0".utf8.contains(byte) }) else { return nil }
    scalars = Array(text.unicodeScalars)
  }

  func matches(_ name: String) -> Bool {
    let name = Array(name.unicodeScalars)
    if name.first == ".", scalars.first == "*" || scalars.first == "?" { return false }
    var (pattern, position) = (0, 0)
    // Where the last star stands, and how much it has taken.
    var star: (pattern: Int, position: Int)?
    while position < name.count {
      if pattern < scalars.count, scalars[pattern] == "*" {
        star = (pattern, position)
        pattern += 1
      } else if pattern < scalars.count, scalars[pattern] == "?" || scalars[pattern] == name[position] {
        pattern += 1
        position += 1
      } else if let last = star {
        star = (last.pattern, last.position + 1)
        (pattern, position) = (last.pattern + 1, last.position + 1)
      } else {
        return false
      }
    }
    return scalars[pattern...].allSatisfy { $0 == "*" }
  }
}
