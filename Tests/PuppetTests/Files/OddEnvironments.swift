import Foundation
import TestSupport

/// Environments with everything in them that sites have and nobody thinks of.
enum OddEnvironments {
  /// Two places for modules, links, odd names and modes; all of it can be told by the proxy.
  static func makeTricky(in folder: String) async throws {
    let environment = "\(folder)/code/environments/tricky"
    let files = "\(environment)/site/alpha/files"
    try makeFolder("\(files)/deep/a/b")
    try makeFolder("\(files)/empty")
    try makeFolder("\(files)/.git")
    try "# where modules are\nmodulepath = site:\(folder)/more:$basemodulepath\nmanifest = manifests\n"
      .write(toFile: "\(environment)/environment.conf", mode: 0o644)
    for (name, mode) in names { try "contents of \(name)\n".write(toFile: "\(files)/\(name)", mode: mode) }
    try "".write(toFile: "\(files)/nothing", mode: 0o644)
    try String(repeating: "0123456789abcdef", count: 1 << 16).write(toFile: "\(files)/mebibyte", mode: 0o644)
    chmod("\(files)/setuid", 0o4755)
    chmod("\(files)/empty", 0o2770)
    for (link, target) in [("link", "plain.txt"), ("linked folder", "deep"), ("dangling", "nowhere")] {
      try FileManager.default.createSymbolicLink(atPath: "\(files)/\(link)", withDestinationPath: target)
    }
    try makeMergedMounts(in: folder, environment)
    try makeShadowed(in: "\(folder)/more")
  }

  private static let names: [(String, mode_t)] = [
    ("plain.txt", 0o644), ("with space.txt", 0o640), ("hundred%.txt", 0o644), ("plus+and&equals=.txt", 0o644),
    ("übung ☃.txt", 0o600), ("quote\"d.txt", 0o644), ("run.sh", 0o755), ("setuid", 0o755), (".hidden", 0o644),
    (".git/config", 0o644), ("deep/a/b/c.txt", 0o644), ("deep/a/b/skip.bak", 0o644), ("deep/it's.txt", 0o444),
    ("back\\slash", 0o644), ("semi;colon", 0o644), ("deep/a/~tilde", 0o644), ("123", 0o644), ("true", 0o644),
  ]

  private static func makeMergedMounts(in folder: String, _ environment: String) throws {
    for (path, mode) in [
      ("site/alpha/lib/puppet/same.rb", 0o644), ("site/alpha/lib/facter/one.rb", 0o644),
      ("site/alpha/facts.d/run.sh", 0o755), ("site/alpha/locales/de/alpha.po", 0o644),
      ("site/alpha/tasks/task.sh", 0o755), ("site/alpha/scripts/script.sh", 0o755),
      ("site/gamma/lib/puppet/gamma/deep.rb", 0o644), ("site/gamma/metadata.json", 0o644),
    ] as [(String, mode_t)] {
      let whole = "\(environment)/\(path)"
      try makeFolder(URL(fileURLWithPath: whole).deletingLastPathComponent().path)
      let metadata =
        #"{"name":"x-gamma","version":"1.0.0","author":"x","license":"MIT","source":"","dependencies":[]}"#
      try (path.hasSuffix(".json") ? metadata : path).write(toFile: whole, mode: mode)
    }
  }

  /// Behind the first place: one module that is hidden by its namesake, one that is not.
  private static func makeShadowed(in folder: String) throws {
    for path in [
      "alpha/files/hidden by the first.txt", "beta/files/seen.txt", "beta/lib/puppet/same.rb", "beta/lib/beta.rb",
      "Upper/files/no module.txt", "beta/facts.d/run.sh",
    ] {
      let whole = "\(folder)/\(path)"
      try makeFolder(URL(fileURLWithPath: whole).deletingLastPathComponent().path)
      try "second \(path)".write(toFile: whole, mode: 0o644)
    }
  }

  /// Each with something that only Puppet itself may judge.
  static func makeDoubtful(in folder: String) throws {
    let environments = "\(folder)/code/environments"
    for (name, conf) in [
      ("quoted", "modulepath = \"modules\"\n"), ("globbed", "modulepath = m*\n"),
      ("asking", "modulepath = $vardir/x\n"),
      ("named", "modulepath = modules/$environment\n"), ("sectioned", "[other]\nmodulepath = modules\n"),
      ("faulty", ""), ("leaving", ""),
    ] {
      try makeFolder("\(environments)/\(name)/modules/one/files")
      try conf.write(toFile: "\(environments)/\(name)/environment.conf", mode: 0o644)
      try "one\n".write(toFile: "\(environments)/\(name)/modules/one/files/file", mode: 0o644)
    }
    try #"{"name": "x-one"}"#.write(toFile: "\(environments)/faulty/modules/one/metadata.json", mode: 0o644)
    for (link, target) in [("out", "/etc/hostname"), ("up", "../../../environment.conf"), ("loop", "loop")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(environments)/leaving/modules/one/files/\(link)", withDestinationPath: target)
    }
  }

  /// A mount for all, one for each node, and one that is not there.
  static func makeMounts(in folder: String) throws {
    try makeFolder("\(folder)/conf")
    try makeFolder("\(folder)/mount/inner")
    try "pooled\n".write(toFile: "\(folder)/mount/inner/pooled file", mode: 0o644)
    try """
    # Mounts
    [pool]
      path \(folder)/mount
      allow *
    [pernode]
      path \(folder)/%h
    """.write(toFile: "\(folder)/conf/fileserver.conf", mode: 0o644)
  }
}
