import FoundationEssentials
import Pool

/// What a pool's adapter says of where agents' files lie: one line of JSON behind a mark, among whatever else is said.
struct FileDescription: Decodable {
  static let mark = "masterpool-files: "
  static let version = 1

  var version: Int
  /// Puppet's own version.
  var puppet: String
  /// Its settings' file.
  var config: String
  /// What makes it look elsewhere than where the proxy would; empty: nothing.
  var doubts: [String]
  var environmentpath: [String]
  var basemodulepath: [String]
  var fileserverconfig: String
  var interpolated: [String: String]
  var digestAlgorithm: String
  var mounts: [String]
  var uid: UInt32
  var gid: UInt32
  var groups: [UInt32]
  /// By seconds since 1970.
  var utcOffsets: [String: Int]

  enum CodingKeys: String, CodingKey {
    case version, puppet, config, doubts, environmentpath, basemodulepath, fileserverconfig, interpolated, mounts
    case uid, gid, groups
    case digestAlgorithm = "digest_algorithm"
    case utcOffsets = "utc_offsets"
  }

  /// Nil: this line is something else. Throws where it says what it should, but not so that it can be read.
  init?(line: String) throws {
    guard line.hasPrefix(Self.mark) else { return nil }
    self = try JSONDecoder().decode(FileDescription.self, from: Data(line.utf8.dropFirst(Self.mark.utf8.count)))
  }

  /// Throws why files stay with the workers.
  func plan(for pool: PoolName) throws(FilesUnknown) -> PuppetFilePlan {
    guard version == Self.version else { throw FilesUnknown(why: "its adapter speaks of them in version \(version)") }
    guard doubts.isEmpty else { throw FilesUnknown(why: doubts.joined(separator: ", ")) }
    let offsets = utcOffsets.compactMap { time, offset in Int(time).map { ($0, offset) } }
    return PuppetFilePlan(
      pool: pool, environmentPath: environmentpath, baseModulePath: basemodulepath,
      fileServerConfig: fileserverconfig, interpolated: interpolated, mounts: Set(mounts),
      digestAlgorithm: digestAlgorithm, identity: .init(user: uid, group: gid, groups: groups),
      utcOffsets: Dictionary(offsets, uniquingKeysWith: { first, _ in first }))
  }
}

/// Why the proxy cannot answer for a pool's files.
struct FilesUnknown: Error, CustomStringConvertible {
  var why: String
  var description: String { why }
}
