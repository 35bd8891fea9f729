import Foundation
import Manual
import Pool
import Settings
import Testing

/// What the pages promise is there.
@Suite struct TopicTests {
  static let width = 80

  @Test func everyFileIsATopic() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path("Sources/CManual/topics"))
    let names = Manual.topics.map { "\($0.name).txt" }
    #expect(Set(files) == Set(names))
    #expect(Manual.topics.count == files.count)
  }

  @Test(arguments: Manual.topics.map(\.name)) func fitsATerminal(name: String) throws {
    let topic = try #require(Manual.topic(name))
    let lines = topic.text.split(separator: "\n", omittingEmptySubsequences: false)
    let long = lines.filter { $0.count > Self.width }
    let strange = lines.filter { $0.hasSuffix(" ") || !$0.utf8.allSatisfy { (0x20..<0x7F).contains($0) } }
    #expect(long == [] && strange == [])
    #expect(!topic.summary.isEmpty && topic.summary.count <= Self.width - 32)
    // A term is one line, and has a meaning.
    for (block, next) in zip(topic.blocks, topic.blocks.dropFirst()) {
      if case .term = block, case .meaning = next { continue }
      if case .term(let words) = block { Issue.record("\(words) means nothing") }
    }
  }

  @Test(
    arguments: [
      ("A\n  b\n  c\n\n  d\n", [.heading("A"), .paragraph("b c"), .paragraph("d")]),
      ("  a\n    b\n    c\n", [.term("a"), .meaning("b c")]),
      ("  a\n    b\n      c\n  d\n    e\n", [.term("a"), .meaning("b"), .literal(["c"]), .term("d"), .meaning("e")]),
      ("  a\n\n      b\n        c\n", [.paragraph("a"), .literal(["b", "  c"])]),
    ] as [(String, [Topic.Block])])
  func aTextsFormSaysWhatItIs(text: String, blocks: [Topic.Block]) {
    #expect(Topic(name: "x", text: "x - y\n\n\(text)")?.blocks == blocks)
  }

  @Test func theCommandsThatTheyNameExist() async throws {
    let root = try await CommandTree.load()
    for topic in Manual.topics {
      for mention in Mention.all(in: topic) {
        guard let command = mention.command(of: root) else {
          Issue.record("\(topic.name): there is no masterpool \(mention.words.joined(separator: " "))")
          continue
        }
        let strange = mention.options.filter { !command.options.contains($0) }
        #expect(strange == [], "\(topic.name): masterpool \(mention.words[0])")
      }
    }
  }

  @Test func theKeysThatTheyNameExist() {
    let paths = Vocabulary.file.allPaths.map { ".\($0.replacing("*", with: "NAME"))" }
    let keys = Set(paths.compactMap { $0.split(separator: ".").last.map(String.init) })
    let words = Set(
      RecycleReason.allCases.map(\.rawValue) + Event.Kind.allCases.map(\.rawValue)
        + NoticeKind.allCases.map(\.rawValue)
        + ["backing_off"])
    let files = [
      "yaml", "txt", "sock", "json", "service", "pem", "com", "log", "sqlite", "ru", "url", "token", "d", "md",
      "conf",
    ]
    for topic in Manual.topics {
      for match in topic.text.matches(of: #/[\w./-]*[a-z]/#) {
        let word = String(match.output)
        guard word.wholeMatch(of: #/[a-z_]+([._][a-z_]+)+/#) != nil else { continue }
        let isKnown =
          word.contains(".")
          ? paths.contains { $0.hasSuffix(".\(word)") } || files.contains { word.hasSuffix(".\($0)") }
          : keys.contains(word) || words.contains(word)
        #expect(isKnown || Self.others.contains(word), "\(topic.name) names \(word), which is no key")
      }
    }
  }

  /// With an underscore, and of others: Puppet's and Debian's.
  static let others: Set<String> = [
    "sent_at", "ended_at", "masterpool_notifications_total", "fqdn_rand", "http_proxy", "no_proxy", "ca_server",
    "client_data",
    "fs.inotify.max_user_watches", "history.sqlite.damaged",
  ]

  @Test func everyReasonIsExplained() throws {
    let page = try #require(Manual.topic("reasons"))
    for reason in RecycleReason.allCases {
      #expect(page.blocks.contains(.term(reason.rawValue)), "\(reason)")
    }
  }

  @Test func everyPageNamesOnlyPagesThatThereAre() {
    for topic in Manual.topics {
      for match in topic.text.matches(of: #/masterpool help\s+([a-z]+)/#) {
        let name = String(match.output.1)
        #expect(Manual.topic(name) != nil || ["topics", "ca"].contains(name), "\(topic.name): \(name)")
      }
    }
  }

  /// A message that somebody looks up is here as the program says it.
  @Test func theMessagesInTroubleshootAreTheProgramsOwn() throws {
    let page = try #require(Manual.topic("troubleshoot"))
    let terms = page.blocks.compactMap { block in if case .term(let words) = block { words } else { nil } }
    #expect(terms.count >= 30)
    let sources = try Sources.text()
    var checked = 0
    for term in terms {
      for quoted in term.matches(of: #/"([^"]+)"/#) {
        for piece in String(quoted.output.1).split(separator: #/\.\.\.|\b[A-Z0-9]+[0-9a-z.]*\b|[():\/#;]/#) {
          let words = piece.trimmingCharacters(in: .whitespaces)
          guard words.split(separator: " ").count >= 2, !Self.sayings.contains(words) else { continue }
          checked += 1
          let isSaid = sources.contains(words)
          #expect(isSaid, "nobody says \(words.debugDescription), of: \(term)")
        }
      }
    }
    #expect(checked >= 20)
  }

  /// Of others: libc, OpenSSL, Puppet's agent.
  static let sayings: Set<String> = ["already in use", "certificate verify failed", "on"]
}

/// All Swift sources, texts that are broken into two joined, and Puppet's worker.
private enum Sources {
  static func text() throws -> String {
    let root = Repository.path("Sources")
    let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    let worker = try Repository.text("etc/masters/puppet/worker.rb")
    return try worker
      + files.filter { $0.hasSuffix(".swift") }.map { file in
        try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8).replacing(#/"\s*\n?\s*\+ "/#, with: "")
      }.joined(separator: "\n")
  }
}

/// One command line that a page names.
private struct Mention {
  var words: [String]
  var options: [String]

  /// Words that follow the program's name in a sentence.
  private static let prose: Set<String> = [
    "does", "is", "was", "runs", "signs", "refuses", "itself", "has", "alone", "says", "and", "takes", "will",
    "the", "after", "lets", "at",
  ]

  static func all(in topic: Topic) -> [Mention] {
    topic.blocks.flatMap { block -> [Mention] in
      switch block {
      case .heading: []
      case .paragraph(let words), .meaning(let words), .term(let words): of(words)
      case .literal(let lines): of(lines.joined(separator: "\n").replacing(#/\\\n\s*/#, with: ""))
      }
    }
  }

  private static func of(_ text: String) -> [Mention] {
    text.matches(of: #/(?:^|[^\w\/.-])masterpool ([a-z]+)(?: ([a-z]+))?([^\n]*)/#).compactMap { match in
      let name = String(match.output.1)
      guard !prose.contains(name) else { return nil }
      let rest = String(match.output.3)
      let end = rest.firstRange(of: "masterpool ")?.lowerBound ?? rest.endIndex
      let options = rest[..<end].matches(of: #/(?:^|\s)--([a-z-]+)/#).map { String($0.output.1) }
      return Mention(words: [name] + (match.output.2.map { [String($0)] } ?? []), options: options)
    }
  }

  func command(of root: CommandTree.Command) -> CommandTree.Command? {
    root.find(words) ?? root.find([words[0]])
  }
}
