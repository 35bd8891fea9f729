import Foundation
import TestSupport
import Testing

/// The Ruby worker as the supervisor and the front meet it.
@Suite struct WorkerTests {
  @Test func servesOverASocketOfItsOwnerAlone() async throws {
    try await withPuppetWorker { worker in
      let status = try await worker.ask("/status", from: nil)
      #expect((status.status, status.text) == (200, "running"))
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(worker.folder)/worker.sock")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(text(ofFile: "/proc/\(worker.process.pid)/cmdline")?.hasPrefix("masterpool: masters/0") == true)
    }
  }

  /// To Puppet a folder that another master has made since it looked is a failure.
  @Test func waitsWhileAnotherMakesTheFoldersThatAllShare() async throws {
    try await withTemporaryDirectory { folder in
      try makeFolder("\(folder)/kept")
      try makeFolder("\(folder)/kept/reports")
      let other = open("\(folder)/kept/reports", O_RDONLY | O_CLOEXEC)
      defer { close(other) }
      #expect(flock(other, LOCK_EX) == 0)
      let process = try startPuppetWorker(in: folder)
      do {
        // As in proc_locks(5): who waits stands behind an arrow.
        try await eventually("the worker in line for the lock") {
          let lines = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
          return lines.contains { $0.contains("-> FLOCK") && $0.split(separator: " ").contains("\(process.pid)") }
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/kept/ssl/certs"))
        #expect(flock(other, LOCK_UN) == 0)
        try await process.says("takes requests")
        #expect(FileManager.default.fileExists(atPath: "\(folder)/kept/ssl/certs"))
      } catch {
        process.send(SIGKILL)
        throw HarnessFailure("\(error)\nThe worker's log:\n\(process.standardError)")
      }
      process.send(SIGTERM)
      #expect(try await process.end() == .exited(0))
    }
  }

  @Test func compilesForWhomTheFrontNames() async throws {
    try await withPuppetWorker(manifest: #"node default { notify { "for ${trusted['certname']}": } }"#) { worker in
      let catalog = try await worker.ask("/puppet/v3/catalog/lb-1.demo?environment=production", from: "lb-1.demo")
      #expect(catalog.status == 200)
      #expect(catalog.text.contains("for lb-1.demo"))
    }
  }

  @Test func servesFilesWithNamesThatMustBeEncoded() async throws {
    try await withPuppetWorker { worker in
      let content = try await worker.ask(
        "/puppet/v3/file_content/modules/files/with%20a%20space.txt?environment=production")
      #expect((content.status, content.text) == (200, "hello\n"))
      let above = try await worker.ask(
        "/puppet/v3/file_content/modules/files/%2e%2e/%2e%2e/manifests/site.pp?environment=production")
      #expect(above.status == 400)
    }
  }

  /// Puppet itself opens the folder, which has no content to send.
  @Test func saysThatAFolderHasNoContent() async throws {
    try await withPuppetWorker { worker in
      try makeFolder("\(worker.folder)/code/environments/production/modules/files/files/folder")
      let content = try await worker.ask(
        "/puppet/v3/file_content/modules/files/folder?environment=production")
      #expect(content.status == 404)
      #expect(content.text.contains("a folder"))
    }
  }

  /// One that is killed cannot remove its folder; the next one does, and leaves alone those that still run.
  @Test func askedForItsFoldersItRemovesTheirsWhoWereKilled() async throws {
    try await withTemporaryDirectory { folder in
      let gone = "\(folder)/masterpool-describe-20260101-\(Int32.max)-abc123"
      let running = "\(folder)/masterpool-describe-20260101-\(getpid())-abc123"
      for path in [gone, running, "\(folder)/conf", "\(folder)/code"] { try makeFolder(path) }
      let answer = try await run(
        Places.ruby(),
        [Places.worker, "--describe-files", "--confdir", "\(folder)/conf", "--codedir", "\(folder)/code"],
        environment: ["TMPDIR": folder])
      #expect(answer.output.contains("masterpool-files: "))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.sorted() == ["code", "conf", "masterpool-describe-20260101-\(getpid())-abc123"])
    }
  }

  /// Reports and the bucket outlive the worker, what it caches is in its slot.
  @Test func keepsReportsOutOfItsSlot() async throws {
    try await withPuppetWorker { worker in
      let report = """
        {"host": "web-1.demo", "time": "2026-01-01T00:00:00Z", "report_format": 12, "logs": [], "metrics": {},
         "resource_statuses": {}, "configuration_version": 1, "puppet_version": "7.23.0", "status": "unchanged",
         "environment": "production"}
        """
      let stored = try await worker.ask(
        "/puppet/v3/report/web-1.demo?environment=production", method: "PUT",
        headers: [("Content-Type", "application/json")], body: Array(report.utf8))
      #expect((stored.status, stored.text) == (200, #"["store"]"#))
      let kept = try FileManager.default.contentsOfDirectory(atPath: "\(worker.folder)/kept/reports/web-1.demo")
      #expect(kept.count == 1)
      let around = try FileManager.default.contentsOfDirectory(atPath: worker.folder)
      #expect(Set(around) == ["code", "conf", "kept", "slot", "worker.sock"])
      #expect(FileManager.default.fileExists(atPath: "\(worker.slot)/var/server_data"))
    }
  }

  @Test func answersACompileErrorAsPuppetDoes() async throws {
    let manifest = """
      node failing { fail('not today') }
      node missing { include nosuch }
      node mistyped { $port = Integer('eighty') }
      node default { }
      """
    let says = ["failing": "not today", "missing": "Could not find class ::nosuch", "mistyped": "eighty"]
    try await withPuppetWorker(manifest: manifest) { worker in
      for (node, reason) in says {
        let failed = try await worker.ask("/puppet/v3/catalog/\(node)?environment=production", from: node)
        #expect(failed.status == 500)
        #expect(failed.header("content-type")?.hasPrefix("application/json") == true)
        #expect(failed.text.contains(reason))
        #expect(failed.text.contains(#""issue_kind":"RUNTIME_ERROR""#))
      }
      #expect(try await worker.ask("/puppet/v3/catalog/fine?environment=production", from: "fine").status == 200)
    }
  }

  static let ambiguous = [
    ("GET /status HTTP/1.1\r\n\r\n", 400),
    ("GET /status HTTP/1.1\nHost: x\n\r\n\r\n", 400),
    ("GET /status HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("GET http://x/status HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost: x\r\nX-Client-DN: CN=a\r\nX-Client-DN: CN=b\r\n\r\n", 400),
    ("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
    ("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400),
    ("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n", 413),
    ("POST /status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ("POST /status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    ("POST /status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417),
    ("GET /status HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 140_000))\r\n\r\n", 431),
  ]

  @Test func refusesWhatTwoReadersCouldReadDifferently() async throws {
    try await withPuppetWorker { worker in
      for (bytes, status) in Self.ambiguous {
        let answer = try await exchange(Array(bytes.utf8), at: worker.address)
        #expect(answer.status == status && answer.closed, "\(bytes.prefix(120)) → \(answer.text)")
      }
    }
  }

  @Test func anIdleConnectionHoldsUpNobody() async throws {
    try await withPuppetWorker { worker in
      let deadline = Deadline.after(.seconds(60))
      let half = try Wire(to: worker.address, before: deadline)
      try half.send(Array("GET /status HTT".utf8), before: deadline)
      for _ in 0..<20 { #expect(try await worker.ask("/status").status == 200) }
      try half.send(Array("P/1.1\r\nHost: x\r\n\r\n".utf8), before: deadline)
      var reader = ResponseReader()
      #expect(try reader.next(from: half, to: "GET", before: deadline).status == 200)
    }
  }

  @Test func answersInTurnOnOneConnection() async throws {
    try await withPuppetWorker { worker in
      let deadline = Deadline.after(.seconds(60))
      let wire = try Wire(to: worker.address, before: deadline)
      let identity = PuppetWorker.identity("web-1.demo")
      let form = [("Content-Type", "application/x-www-form-urlencoded")]
      let first = requestBytes(
        "POST", "/puppet/v3/catalog/web-1.demo?environment=production", headers: identity + form,
        body: Array("environment=production".utf8))
      try wire.send(first + requestBytes("HEAD", "/status") + requestBytes("GET", "/status"), before: deadline)
      var reader = ResponseReader()
      for (method, text) in [("POST", #""name":"web-1.demo""#), ("HEAD", ""), ("GET", "running")] {
        let response = try reader.next(from: wire, to: method, before: deadline)
        #expect(response.status == 200)
        #expect(response.text.contains(text) || text.isEmpty && response.body.isEmpty)
        #expect(!response.saysClose)
      }
    }
  }

  @Test func finishesTheRequestInHandWhenToldToStop() async throws {
    let slow = "node default { $waited = generate('/bin/sh', '-c', 'echo begun > $0; sleep 1', '/tmp/FLAG') }"
    try await withTemporaryDirectory { folder in
      let flag = "\(folder)/begun"
      let worker = try startPuppetWorker(
        in: folder, manifest: slow.replacingOccurrences(of: "/tmp/FLAG", with: flag))
      try await worker.says("takes requests")
      async let answer = request(
        "GET", "/puppet/v3/catalog/web-1.demo?environment=production", headers: PuppetWorker.identity("web-1.demo"),
        at: .unix("\(folder)/worker.sock"))
      let begun = Deadline.patient
      while !FileManager.default.fileExists(atPath: flag), !begun.passed {
        try await Task.sleep(for: .milliseconds(5))
      }
      worker.send(SIGTERM)
      let response = try await answer
      #expect((response.status, response.saysClose) == (200, true))
      #expect(try await worker.end() == .exited(0))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/worker.sock"))
    }
  }

  @Test(arguments: [
    (["--environment-timeout", "soon"], "", Int32(70), "environment_timeout"),
    ([], "[server\nreports = store\n", 70, "puppet.conf"),
    (["--codedir", "/nonexistent"], "", 78, "/nonexistent is not a folder"),
    (["--socket", "/nonexistent/worker.sock"], "", 73, "cannot listen"),
    (["--socket"], "", 64, "--help"),
    (["--pool", "masters"], "", 64, "--help"),
  ])
  func saysWhyItDoesNotStart(options: [String], configuration: String, status: Int32, says: String) async throws {
    try await withTemporaryDirectory { folder in
      let worker = try startPuppetWorker(in: folder, configuration: configuration, options: options)
      #expect(try await worker.end() == .exited(status))
      #expect(worker.standardError.contains(says))
    }
  }
}
