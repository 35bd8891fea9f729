import Pool
import Settings

/// A machine as the tests' settings files find it.
struct FakeMachine: Surroundings {
  var currentDirectory = "/etc/masterpool"
  var paths: [String: PathFacts] = [:]
  var links: [String: String] = ["/srv/link": "/srv/real", "/var/run": "/run"]
  var unreadable: Set<String> = ["/etc/masterpool/ssl/secret.pem"]
  var unwritable: Set<String> = ["/var/log/others", "/var/log/masterpool/others.log"]
  var mountPoints = ["/", "/mnt/data", "/srv/disk/inner"]
  var homeDirectories = ["/root", "/home/anna", "/var/lib/puppet", "/nonexistent"]
  var users: Set<String> = ["root", "puppet"]
  var coreCount = 4
  var memory: ByteCount? = .mebibytes(16 << 10)
  var programs = [
    "ruby": "/usr/bin/ruby", "/usr/bin/ruby": "/usr/bin/ruby", "my-master": "/usr/bin/my-master",
    "/opt/master/bin/serve": "/opt/master/bin/serve",
    "/etc/masterpool/bin/serve": "/etc/masterpool/bin/serve",
  ]
  var mastersDirectory: String? = "/usr/share/masterpool/masters"

  init() {
    for folder in [
      "/etc/masterpool/ssl", "/etc/puppet/code", "/var/lib/masterpool", "/run", "/root", "/home/anna",
      "/var/lib/puppet/yaml", "/var/cache/masters", "/mnt/data/cache", "/srv/real/cache", "/srv/disk/inner",
      "/usr/share/masterpool", "/opt/master/bin", "/var/lib/puppet/ssl", "/srv/downloads",
      "/var/log/masterpool", "/var/log/others",
    ] {
      addFolder(folder)
    }
    for (file, mode) in [
      ("server.pem", 0o644), ("server.key", 0o600), ("ca.pem", 0o644), ("crl.pem", 0o644), ("open.key", 0o644),
      ("group.key", 0o640), ("secret.pem", 0o600), ("control.token", 0o600), ("open.token", 0o644),
    ] as [(String, UInt32)] {
      paths["/etc/masterpool/ssl/\(file)"] = PathFacts(kind: .file, mode: mode)
    }
    paths["/usr/share/masterpool/masters/puppet/worker.rb"] = PathFacts(kind: .file)
    paths["/var/log/masterpool/others.log"] = PathFacts(kind: .file)
    paths["/dev/log"] = PathFacts(kind: .other)
    paths["/srv/fifo"] = PathFacts(kind: .other)
    paths["/srv/file"] = PathFacts(kind: .file)
    for link in links.keys { paths[link] = PathFacts(kind: .symlink, mode: 0o777) }
  }

  mutating func addFolder(_ path: String) {
    var made = ""
    for part in path.split(separator: "/") {
      made += "/\(part)"
      paths[made] = PathFacts(kind: .directory, mode: 0o755)
    }
  }

  func look(at path: String, followingLinks: Bool) -> PathFacts? {
    path == "/" ? PathFacts(kind: .directory, mode: 0o755) : paths[followingLinks ? resolved(path) : path]
  }

  func canWrite(_ path: String) -> Bool { !unwritable.contains(path) }

  func canRead(_ path: String) -> Bool { !unreadable.contains(path) }

  func resolved(_ path: String) -> String {
    for (link, target) in links where path == link || path.hasPrefix(link + "/") {
      return target + path.dropFirst(link.count)
    }
    return path
  }

  func userExists(_ name: String) -> Bool { users.contains(name) }
  func executable(_ name: String) -> String? { programs[name] }
}
