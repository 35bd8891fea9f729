import Files
import Foundation
import TestSupport
import Testing

/// Whatever the proxy says of files, a real worker says too, byte for byte.
@Suite struct FileEqualityTests {
  struct Request: Hashable, CustomStringConvertible {
    var path: String
    var query: String
    var description: String { "\(path)?\(query)" }
  }

  static let checksums = [
    "md5", "md5lite", "sha1", "sha1lite", "sha224", "sha256", "sha256lite", "sha384", "sha512", "mtime", "ctime",
    "none",
  ]

  @Test func tellsOfTheDemoWhatAWorkerTells() async throws {
    try await withFileSite(prepare: { _ in }) { site in
      for environment in ["production", "staging"] {
        let found = try await compare(site, Self.requests(of: environment, in: site.worker.folder, thorough: false))
        // All that a worker answers.
        #expect(found.left == [])
        #expect(found.answered > (environment == "production" ? 300 : 30))
      }
    }
  }

  @Test func tellsOfOddFilesWhatAWorkerTells() async throws {
    try await withFileSite(prepare: { folder in
      try await OddEnvironments.makeTricky(in: folder)
      try OddEnvironments.makeMounts(in: folder)
    }) { site in
      let requests = try Self.requests(of: "tricky", in: site.worker.folder, thorough: true) + Self.mounted
      let found = try await compare(site, requests)
      let left = found.left.filter { !Self.mayBeLeft($0) }
      #expect(left == [])
      #expect(found.answered > 900)
    }
  }

  @Test func leavesToAWorkerWhatOnlyPuppetCanJudge() async throws {
    try await withFileSite(prepare: { folder in
      try OddEnvironments.makeDoubtful(in: folder)
      try await OddEnvironments.makeTricky(in: folder)
      try OddEnvironments.makeMounts(in: folder)
    }) { site in
      let file = "/puppet/v3/file_content/modules/one/file"
      for environment in ["quoted", "globbed", "asking", "named", "sectioned", "faulty", "absent"] {
        #expect(site.ask(desk: file, "environment=\(environment)") == .notOurs, "\(environment)")
      }
      let leaving = site.ask(desk: file, "environment=leaving")
      #expect(leaving == .body(Array("one\n".utf8), contentType: "application/octet-stream"))
      for name in ["out", "up", "loop"] {
        let outside = "/puppet/v3/file_content/modules/one/\(name)"
        #expect(site.ask(desk: outside, "environment=leaving") == .notOurs, "\(name)")
      }
      let plain = "modules/alpha/plain.txt"
      for (path, query) in [
        ("file_content/\(plain)", ""), ("file_content/\(plain)", "environment=tricky&environment=tricky"),
        ("file_content/\(plain)", "environment=tricky&ip=1.2.3.4"),
        ("file_content/\(plain)", "environment=..%2ftricky"),
        ("file_metadata/\(plain)", "environment=tricky&links=ignore"),
        ("file_metadata/\(plain)", "environment=tricky&checksum_type=crc"),
        ("file_metadatas/\(plain)", "environment=tricky&recurse=2"), ("file_content/modules", "environment=tricky"),
        ("file_content/modules/alpha", "environment=tricky"),
        ("file_content/modules/alpha/deep", "environment=tricky"),
        ("file_content/modules/alpha/hidden by the first.txt", "environment=tricky"),
        ("file_content/modules/Upper/no module.txt", "environment=tricky"),
        ("file_content/pernode/x", "environment=tricky"), ("file_content/nosuch/x", "environment=tricky"),
        ("file_metadatas/modules/alpha", "environment=tricky&recurse=true&max_files=2"),
        ("file_metadatas/modules/alpha", "environment=tricky&recurse=true&ignore=[a-z]"),
        ("catalog/\(plain)", "environment=tricky"),
      ] {
        #expect(site.ask(desk: "/puppet/v3/\(path)", query) == .notOurs, "\(path)?\(query)")
      }
      let metadata = site.ask(desk: "/puppet/v3/file_metadata/\(plain)", "environment=tricky", accept: "text/pson")
      #expect(metadata == .notOurs)
    }
  }

  /// Asks both; those that the desk leaves although a worker has an answer are counted.
  private func compare(_ site: FileSite, _ requests: [Request]) async throws -> (answered: Int, left: [Request]) {
    var answered = 0
    var left: [Request] = []
    for request in requests {
      let worker = try await site.ask(worker: request.path, request.query)
      let desk = site.ask(desk: request.path, request.query)
      if desk != .notOurs {
        answered += 1
        let isEqual = desk == worker
        #expect(isEqual, "\(request)\n proxy: \(Self.text(desk))\nworker: \(worker.map(Self.text) ?? "refuses")")
      } else if worker != nil {
        left.append(request)
      }
    }
    return (answered, left)
  }

  private static func text(_ answer: FileSite.Answer) -> String {
    switch answer {
    case .notOurs: "not ours"
    case .body(let bytes, let type): "\(type): \(String(decoding: bytes, as: UTF8.self).prefix(4000))"
    }
  }

  /// Into folders behind links, and through a tree whose top is a link, Puppet alone finds its way.
  private static func mayBeLeft(_ request: Request) -> Bool {
    let isTree = request.path.contains("metadatas/modules/alpha")
    return isTree && (request.query.contains("links=follow") || request.path.contains("/alpha/link"))
  }

  private static let mounted = ["file_content", "file_metadata", "file_metadatas"].flatMap { kind in
    ["pool/inner/pooled file", "pool/inner", "pool"].map {
      Request(
        path: "/puppet/v3/\(kind)/\($0)",
        query: "environment=tricky" + (kind == "file_metadatas" ? "&recurse=true" : ""))
    }
  }
}

/// What there is to ask.
extension FileEqualityTests {
  static func requests(of environment: String, in folder: String, thorough: Bool) throws -> [Request] {
    var requests: [Request] = []
    func add(_ path: String, _ query: String) {
      requests.append(Request(path: "/puppet/v3/\(path)", query: "environment=\(environment)\(query)"))
    }
    for (mount, path) in try places(of: environment, in: folder) {
      let key = path.isEmpty ? mount : "\(mount)/\(path)"
      add("file_content/\(key)", "")
      for checksum in thorough ? checksums : ["sha256", "md5", "ctime"] {
        add("file_metadata/\(key)", "&links=manage&checksum_type=\(checksum)&source_permissions=ignore")
      }
      add("file_metadata/\(key)", "&links=follow&source_permissions=use")
      add("file_metadata/\(key)", "")
      add("file_metadatas/\(key)", "&recurse=true&links=manage&checksum_type=md5&source_permissions=use")
      guard thorough else { continue }
      add("file_metadatas/\(key)", "&recurse=false&links=manage")
      add("file_metadatas/\(key)", "&recurse=true&recurselimit=1&max_files=-1")
      add("file_metadatas/\(key)", "&recurse=true&recurselimit=2&links=follow&checksum_type=none")
      add("file_metadatas/\(key)", "&recurse=true&ignore=*.bak&ignore=.git&ignore=d?ep&ignore=*&checksum_type=mtime")
    }
    for mount in ["plugins", "pluginfacts", "locales"] {
      add(
        "file_metadatas/\(mount)",
        "&recurse=true&links=follow&source_permissions=ignore&checksum_type=sha256"
          + "&ignore=.svn&ignore=CVS&ignore=.git&ignore=.hg")
      add("file_metadatas/\(mount)", "&recurse=true&links=manage&source_permissions=use&checksum_type=md5")
      add("file_metadatas/\(mount)", "&recurse=false")
      add("file_metadata/\(mount)", "")
    }
    return requests
  }

  /// Every file and folder of every mount, by walking what the environment has.
  private static func places(of environment: String, in folder: String) throws -> [(String, String)] {
    var places: [(String, String)] = []
    let root = "\(folder)/code/environments/\(environment)"
    for modules in ["\(root)/modules", "\(root)/site", "\(folder)/more", "\(folder)/code/modules"] {
      for module in (try? FileManager.default.contentsOfDirectory(atPath: modules)) ?? [] {
        for (kind, mount) in [
          ("files", "modules"), ("lib", "plugins"), ("facts.d", "pluginfacts"), ("locales", "locales"),
          ("tasks", "tasks"), ("scripts", "scripts"),
        ] {
          let top = "\(modules)/\(module)/\(kind)"
          guard FileManager.default.fileExists(atPath: top) else { continue }
          let merged = ["plugins", "pluginfacts", "locales"].contains(mount)
          if !merged { places.append((mount, module)) }
          for name in try FileManager.default.subpathsOfDirectory(atPath: top)
          where !name.contains("\\") {
            places.append((mount, merged ? name : "\(module)/\(name)"))
          }
        }
      }
    }
    return places
  }
}
