/// The word that a misspelt one was likely meant to be; nil: none is near.
public func nearest(to text: String, among words: [String]) -> String? {
  let text = text.lowercased().replacing("-", with: "_")
  if let same = words.first(where: { $0 == text }) { return same }
  let measured = words.map { (word: $0, distance: editDistance(text, $0)) }
  if let best = measured.min(by: { $0.distance < $1.distance }), best.distance <= max(1, text.count / 3) {
    return best.word
  }
  guard text.count >= 3 else { return nil }
  let partly = words.filter { $0.hasPrefix(text) || $0.hasSuffix(text) || text.hasPrefix($0) }
  return partly.count == 1 ? partly.first : nil
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour (optimal string alignment).
func editDistance(_ a: String, _ b: String) -> Int {
  let maxLetters = 100
  let a = Array(a.prefix(maxLetters))
  let b = Array(b.prefix(maxLetters))
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
      row.append(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
