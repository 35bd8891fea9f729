import Manual

/// etc/man/masterpool-operations.7: the topics, one after the other.
enum OperationsPage {
  static func render(_ topics: [Topic]) -> String {
    let head = [
      ".\\\" Written by ManPageTests from Sources/CManual/topics: change those, and then",
      ".\\\" MASTERPOOL_WRITE_GOLDEN=1 swift test --filter ManualTests", ".Dd November 29, 2026",
      ".Dt MASTERPOOL-OPERATIONS 7",
      ".Os", ".Sh NAME", ".Nm masterpool-operations", ".Nd running config masters behind masterpool",
      ".Sh DESCRIPTION",
      "These are the pages that", ".Ic masterpool help Ar topic", "prints.", ".Pp",
      ".Bl -tag -width troubleshoot -compact",
    ]
    let list = topics.flatMap { [".It Cm \($0.name)", Mdoc.escape($0.summary)] } + [".El"]
    let pages = topics.flatMap { topic in
      [".Sh \(Mdoc.argument("\(topic.name.uppercased()): \(topic.summary)"))"] + body(topic.blocks)
    }
    let end = [".Sh SEE ALSO", ".Xr masterpool 1 ,", ".Xr masterpool.yaml 5"]
    return (head + list + pages + end).joined(separator: "\n") + "\n"
  }

  private static func body(_ blocks: [Topic.Block]) -> [String] {
    var lines: [String] = []
    var isInList = false
    /// A paragraph macro right behind a heading is one too many.
    var needsBreak = false
    func close() -> [String] {
      defer { isInList = false }
      return isInList ? [".El"] : []
    }
    for (former, block) in zip([.heading("")] + blocks, blocks) {
      switch block {
      case .heading(let words):
        lines += close() + [".Ss \(Mdoc.argument(words))"]
        needsBreak = false
      case .paragraph(let words):
        lines += close() + (needsBreak ? [".Pp"] : []) + Mdoc.text(words)
        needsBreak = true
      case .term(let words):
        if !isInList { lines.append(".Bl -tag -width Ds") }
        isInList = true
        lines.append(".It Li \(Mdoc.argument(words))")
      case .meaning(let words):
        // What it means, and from a new line on what to do.
        let parts = words.split(separator: " Do: ", maxSplits: 1).map(String.init)
        lines += former.isMeaning ? [".Pp"] : []
        lines += Mdoc.text(parts[0]) + parts.dropFirst().flatMap { [".Pp"] + Mdoc.text("Do: \($0)") }
      case .literal(let text):
        lines += Mdoc.literal(text)
        needsBreak = true
      }
    }
    return lines + close()
  }
}

extension Topic.Block {
  fileprivate var isMeaning: Bool { if case .meaning = self { true } else { false } }
}
