import Pool

/// What stands between braces in a command and is filled in for each worker.
enum Placeholder: String, CaseIterable {
  case socket, port, slot, index, generation, pool

  /// Those in a text in their order; a name that is none as `.failure`. A brace with anything but a name behind
  /// it, as in JSON, is text.
  static func all(in text: String) -> [Result<Placeholder, UnknownPlaceholder>] {
    var found: [Result<Placeholder, UnknownPlaceholder>] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      rest = rest[open...].dropFirst()
      let name = rest.prefix { $0.isASCII && ($0.isLetter || $0 == "_") }
      guard !name.isEmpty, rest.dropFirst(name.count).first == "}" else { continue }
      found.append(Placeholder(rawValue: String(name)).map { .success($0) } ?? .failure(.init(name: String(name))))
    }
    return found
  }
}

struct UnknownPlaceholder: Error {
  var name: String
}

extension Reader {
  /// So many words and variables a worker may be given.
  static let maxWords = 1000

  func launch(_ pool: Section, _ kind: MasterKind?, _ preset: Preset?, _ cache: CachePlan) -> LaunchPlan? {
    let command =
      switch kind {
      case .command: command(pool)
      case .puppet: presetCommand(pool, preset)
      case nil: [String]?.none
      }
    let usesPort = command?.contains { $0.contains("{port}") } ?? false
    let environment = environment(pool, usesPort: usesPort)
    let user = pool.optional("user", user)
    let backtrace = backtrace(pool, kind)
    let directory = pool.optional("working_directory") { workingDirectory($0, usesPort: usesPort) }
    guard let command else { return nil }
    return LaunchPlan(
      command: command, environment: (preset?.environment ?? [:]).merging(environment) { $1 }, user: user,
      workingDirectory: directory, cache: cache, folders: preset?.folders ?? [],
      describeFiles: preset?.describeFiles, backtrace: backtrace)
  }

  private func presetCommand(_ pool: Section, _ preset: Preset?) -> [String]? {
    if let field = pool["command"] {
      findings.add(
        field.keySpot, field.path, "master: puppet brings its own command",
        "take it out, or write master: command")
    }
    return preset?.command
  }

  private func command(_ pool: Section) -> [String]? {
    let example = "[my-master, --socket, \"{socket}\"]"
    guard
      let field = pool.required("command", example: example, { $0 }),
      let words = field.filledList(expected: example), let program = words.first
    else { return nil }
    guard words.count <= Reader.maxWords else {
      field.problem("the command has \(words.count) words", "write at most \(Reader.maxWords)")
      return nil
    }
    let texts = words.map { word in word.argument() }
    for (word, text) in zip(words, texts) { refuseUnknown(text ?? "", word, Placeholder.allCases) }
    guard let path = self.program(program), texts.allSatisfy({ $0 != nil }) else { return nil }
    let command = [path] + texts.dropFirst().compactMap { $0 }
    return takesOneEndpoint(command, field) ? command : nil
  }

  /// A bare name is left for PATH at the start, after it was found there now.
  private func program(_ field: Field) -> String? {
    guard let name = field.text(expected: "a program") else { return nil }
    guard !name.contains("{") else { return name }
    let path = name.contains("/") ? surroundings.absolute(name, from: folder) : name
    guard surroundings.executable(path) != nil else {
      let place = name.contains("/") ? "\(path) is not a program" : "there is no program \(quoted(name)) on PATH"
      field.problem(place, "write an executable file's path, or install it")
      return nil
    }
    return path
  }

  private func takesOneEndpoint(_ command: [String], _ field: Field) -> Bool {
    let socket = command.contains { $0.contains("{socket}") }
    let port = command.contains { $0.contains("{port}") }
    switch (socket, port) {
    case (true, false), (false, true): return true
    case (true, true): field.problem("it has both {socket} and {port}", "keep the one that the master listens on")
    case (false, false):
      field.problem(
        "it does not say where the master is to listen", "write \"{socket}\" or \"{port}\" among its arguments")
    }
    return false
  }

  private func refuseUnknown(_ text: String, _ field: Field, _ known: [Placeholder]) {
    let words = known.map(\.rawValue)
    for placeholder in Placeholder.all(in: text) {
      switch placeholder {
      case .success(let placeholder) where known.contains(placeholder): continue
      case .success(let placeholder):
        field.problem("{\(placeholder.rawValue)} is not the command's", "write \(listed(words.map { "{\($0)}" }))")
      case .failure(let unknown):
        let near = nearest(to: unknown.name, among: words)
        let advice = near.map { "{\($0)}" } ?? listed(words.map { "{\($0)}" })
        field.problem("{\(unknown.name)} is unknown", "write \(advice)")
      }
    }
  }

  private func environment(_ pool: Section, usesPort: Bool) -> [String: String] {
    let example = "{LANG: C.UTF-8}"
    guard let field = pool["environment"], let entries = field.entries(expected: example) else { return [:] }
    guard entries.count <= Reader.maxWords else {
      field.problem("it has \(entries.count) variables", "write at most \(Reader.maxWords)")
      return [:]
    }
    var environment: [String: String] = [:]
    for (name, value) in entries {
      guard isVariableName(name) else {
        findings.add(
          value.keySpot, value.path, "\(quoted(name)) cannot name a variable",
          "write letters, digits and _, not starting with a digit")
        continue
      }
      guard let text = value.argument() else { continue }
      refuseUnknown(text, value, placeholders(usesPort: usesPort))
      environment[name] = text
    }
    return environment
  }

  private func isVariableName(_ name: String) -> Bool {
    name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } && name.first?.isNumber == false
  }

  /// The endpoint that the command is not given is not there to be filled in.
  private func placeholders(usesPort: Bool) -> [Placeholder] {
    Placeholder.allCases.filter { $0 != (usesPort ? .socket : .port) }
  }

  private func user(_ field: Field) -> String? {
    guard let name = field.text(expected: "a user's name") else { return nil }
    guard surroundings.userExists(name) else {
      field.problem("there is no user \(quoted(name))", "write an existing user's name, or make it")
      return nil
    }
    return name
  }

  private func workingDirectory(_ field: Field, usesPort: Bool) -> String? {
    guard let text = field.text(expected: "a folder's path") else { return nil }
    guard text.contains("{") else { return folder(field) }
    refuseUnknown(text, field, placeholders(usesPort: usesPort))
    guard text.hasPrefix("/") || text.hasPrefix("{slot}") else {
      field.problem("\(quoted(text)) is not absolute", "start it with / or {slot}")
      return nil
    }
    return text
  }
}

extension Field {
  /// A word of a command or a variable's value: may be empty in quotes.
  fileprivate func argument() -> String? {
    if case .quoted("") = shape { return "" }
    return text()
  }
}
