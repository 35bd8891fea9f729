import Pool
import Yams

extension Settings {
  /// A longer file is refused.
  public static let maxFileBytes = 1 << 20

  /// More drop-ins are refused.
  public static let maxDropIns = 100

  /// Reads a settings file's text; `file` is its name as it is to stand in the problems, and its folder is where
  /// relative paths start.
  ///
  /// Every problem is reported at once, in the order of the file.
  public static func read(
    text: String, file: String, surroundings: some Surroundings
  ) throws(Problems) -> Settings {
    try read([SettingsText(file: file, text: text)], surroundings: surroundings)
  }

  /// The same from a file's bytes, which may not even be text.
  public static func read(
    bytes: [UInt8], file: String, surroundings: some Surroundings
  ) throws(Problems) -> Settings {
    try read([SettingsText(bytes: bytes, file: file)], surroundings: surroundings)
  }

  /// Reads the settings file, which is the first, with its drop-ins, each merged over those before it: mappings by
  /// key, while lists and single values take the place of what was there.
  ///
  /// Relative paths start in the settings file's folder, wherever they stand. Every problem of every file is reported
  /// at once, in the order of the files.
  ///
  /// - Parameter overrides: above all files, in their order; a problem with one of them names no file.
  public static func read(
    _ texts: [SettingsText], overrides: [SettingOverride] = [], surroundings: some Surroundings
  ) throws(Problems) -> Settings {
    precondition(!texts.isEmpty)
    let document = try Document(texts, overrides)
    let findings = Findings(files: document.files, standIns: document.standIns)
    let reader = Reader(
      surroundings: surroundings, folder: surroundings.folder(ofFile: texts[0].file), findings: findings)
    let settings = reader.settings(document.root)
    let problems = findings.inFileOrder
    guard var settings, problems.isEmpty else { throw Problems(problems) }
    settings.account = findings.account.settings(findings, overrides)
    return settings
  }

  /// The folder of a settings file's drop-ins: `/etc/masterpool/masterpool.d` of `/etc/masterpool/masterpool.yaml`.
  public static func dropInFolder(ofFile file: String) -> String {
    for ending in [".yaml", ".yml"] where file.hasSuffix(ending) { return "\(file.dropLast(ending.count)).d" }
    return "\(file).d"
  }

  /// Whether a file of that folder is read: `NAME.yaml`, and not hidden, as one that is being written may be.
  public static func isDropIn(_ name: String) -> Bool { name.hasSuffix(".yaml") && !name.hasPrefix(".") }
}

extension SettingsText {
  /// Refuses what is not UTF-8.
  public init(bytes: [UInt8], file: String) throws(Problems) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let valid = String(decoding: bytes, as: UTF8.self).unicodeScalars
      let bad = valid.firstIndex(of: "\u{FFFD}") ?? valid.startIndex
      throw Problems(file: file, valid.spot(of: bad), "a byte is not UTF-8 text", "save the file as UTF-8")
    }
    self.init(file: file, text: text)
  }
}

/// One reading of one file with its drop-ins; the sections' readers are its extensions.
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
    let front = file.section("proxy")
    let (proxy, fileLimits) = (proxy(front), fileLimits(front))
    let listeners = listeners(file)
    let pools = pools(file, places)
    let control = control(file.section("control"), places)
    let routes = routes(file, of: pools)
    let files = files(file, places, listeners)
    let accessLog = accessLog(file)
    let history = history(file.section("history"))
    let nodes = nodes(file.section("nodes"))
    let log = log(file.section("log"))
    let notify = notify(file.section("notify"), of: pools)

    refuseCollisions(of: listeners, control)
    refuseSharedCaches(of: pools, places, listeners)
    refuseUnreachable(routes, pools, listeners)
    return Settings(
      stateDirectory: places.state, runDirectory: places.run, listen: listeners.compactMap { $0.configuration },
      proxy: proxy, pools: pools.compactMap { $0.plan }, routes: routes.map { $0.route },
      files: files, fileLimits: fileLimits, control: control.settings,
      remarks: remarks(routes: routes, pools: pools, listeners: listeners, control: control)
        + unasked(files, routes)
        + remarks(on: accessLog) + remarks(on: notify),
      accessLog: accessLog, history: history, nodes: nodes, log: log, notify: notify)
  }
}
