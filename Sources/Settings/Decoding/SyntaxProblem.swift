import Yams

extension Problems {
  /// The one problem of a file that could not be read as a tree.
  init(file: String, _ spot: Spot, _ what: String, _ instead: String) {
    self.init([
      Problem(file: file, line: spot.line, column: spot.column, path: "", what: what, instead: instead)
    ])
  }

  /// What the YAML parser stumbled over, in an operator's words where we have them.
  init(file: String, _ error: YamlError, in text: String) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let (what, instead) = explanation(of: problem, context: context, spot: mark.spot, in: text)
      self.init(file: file, mark.spot, what, instead)
    case .reader(let problem, let offset, let value, _):
      let index = offset.flatMap { text.index(text.startIndex, offsetBy: $0, limitedBy: text.endIndex) }
      let spot = text.unicodeScalars.spot(of: index ?? text.startIndex)
      let digits = String(max(0, value), radix: 16, uppercase: true)
      let scalar = value > 0 ? " (U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits))" : ""
      self.init(file: file, spot, "\(problem)\(scalar)", "remove the character")
    case .duplicatedKeysInMapping(let keys, let context):
      self.init(
        file: file, context.mark.spot, "\(keys.joined(separator: ", ")) is written twice in one mapping", "keep one")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      self.init(file: file, .start, "the YAML cannot be read: \(error)", "check the file")
    }
  }
}

private func explanation(
  of problem: String, context: YamlError.Context?, spot: Spot, in text: String
) -> (what: String, instead: String) {
  let opened = context.map { " at \($0.mark.line):\($0.mark.column)" } ?? ""
  if text.isIndentedByTab(at: spot) {
    return ("a tab indents this line", "indent with spaces")
  }
  if problem.hasPrefix("Maximum nesting level") {
    return ("it is nested too deeply", "take the brackets apart")
  }
  switch problem {
  case "but found another document":
    return ("a second YAML document starts here", "keep one document, without a line ---")
  case "found undefined alias":
    return ("the alias has no anchor above it", "define it with &name first, or quote a text that starts with *")
  case "mapping values are not allowed in this context":
    return ("a colon stands where no key can be", "mend the indentation, or quote a text that holds a colon")
  case "could not find expected ':'":
    return ("the key\(opened) has no colon", "write key: value")
  case "did not find expected key":
    return ("no key stands where one is expected", "line it up with the other keys of its mapping")
  case "did not find expected '-' indicator":
    return ("no list item stands where one is expected", "start it with - , in line with the others")
  case "did not find expected ',' or ']'":
    return ("the list that opens\(opened) is not closed", "write , or ] here")
  case "did not find expected ',' or '}'":
    return ("the mapping that opens\(opened) is not closed", "write , or } here")
  case "found unexpected end of stream":
    return ("the quote that opens\(opened) is not closed", "close it")
  case "found character that cannot start any token":
    return ("no value can start with this character", "quote the text")
  default:
    return ("\(context.map { "\($0.text), " } ?? "")\(problem)", "mend the YAML")
  }
}

extension String {
  fileprivate func isIndentedByTab(at spot: Spot) -> Bool {
    guard let here = unicodeScalars.index(of: spot),
      let start = unicodeScalars.index(of: Spot(line: spot.line, column: 1))
    else { return false }
    if here < endIndex, unicodeScalars[here] == "\t" { return true }
    return unicodeScalars[start...].prefix { $0 == " " || $0 == "\t" }.contains("\t")
  }
}
