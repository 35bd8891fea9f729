import Pool
import Yams

extension Settings {
  /// A longer file is refused.
  public static let maxFileBytes = 1 << 20

  /// Reads a settings file's text; `file` is its name as it is to stand in the problems, and its folder is where
  /// relative paths start.
  ///
  /// Every problem is reported at once, in the order of the file.
  public static func read(
    text: String, file: String, surroundings: some Surroundings
  ) throws(Problems) -> Settings {
    let document = try Document.parse(text, file: file)
    let findings = Findings(file: file, standIns: document.standIns)
    let reader = Reader(
      surroundings: surroundings, folder: surroundings.folder(ofFile: file), findings: findings)
    let settings = reader.settings(document.root)
    let problems = findings.inFileOrder
    guard let settings, problems.isEmpty else { throw Problems(problems) }
    return settings
  }

  /// The same from a file's bytes, which may not even be text.
  public static func read(
    bytes: [UInt8], file: String, surroundings: some Surroundings
  ) throws(Problems) -> Settings {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let valid = String(decoding: bytes, as: UTF8.self).unicodeScalars
      let bad = valid.firstIndex(of: "\u{FFFD}") ?? valid.startIndex
      throw Problems(file: file, valid.spot(of: bad), "a byte is not UTF-8 text", "save the file as UTF-8")
    }
    return try read(text: text, file: file, surroundings: surroundings)
  }
}

/// One reading of one file; the sections' readers are its extensions.
struct Reader {
  let surroundings: any Surroundings
  /// Where the file's relative paths start.
  let folder: String
  let findings: Findings

  /// Nil only after a problem was reported; not nil does not say that there was none.
  func settings(_ root: Node) -> Settings? {
    let field = Field(node: root, path: "", keySpot: .start, findings: findings)
    guard case .mapping = field.shape else {
      field.wrongShape(expected: "a mapping with listen: and pools:")
      return nil
    }
    let file = Section(reading: field, .file)
    let places = places(file)
    let proxy = proxy(file.section("proxy"))
    let listeners = listeners(file)
    let pools = pools(file, places)
    let control = control(file.section("control"), places)
    let routes = routes(file, of: pools)
    let files = files(file, places, listeners)
    let accessLog = accessLog(file)
    let history = history(file.section("history"))

    refuseCollisions(of: listeners, control)
    refuseSharedCaches(of: pools, places, listeners)
    refuseUnreachable(routes, pools, listeners)
    return Settings(
      stateDirectory: places.state, runDirectory: places.run, listen: listeners.compactMap { $0.configuration },
      proxy: proxy, pools: pools.compactMap { $0.plan }, routes: routes.map { $0.route },
      files: files,
      control: ControlSettings(socketPath: control.socketPath, listen: control.listen?.address),
      remarks: remarks(routes: routes, pools: pools, listeners: listeners, control: control.listen?.address)
        + unasked(files, routes)
        + remarks(on: accessLog),
      accessLog: accessLog, history: history)
  }
}
