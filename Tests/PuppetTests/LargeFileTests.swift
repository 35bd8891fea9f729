import Foundation
import Glibc
import Pool
import TestSupport
import Testing

/// A real agent and a file that no master should have to hash or to send.
@Suite struct LargeFileTests {
  private static let size = 500_000_000

  @Test func aLargeFileReachesAnAgentWithoutAWorker() async throws {
    try await withPuppetSite(code: Self.codeWithLargeFile) { site, masterpool in
      let answersForFiles = try await masterpool.event("the proxy to know where files are") {
        $0.message.contains("the proxy answers for the files")
      }
      #expect(answersForFiles.kind == .supervisor)
      let node = PuppetSite.nodes[0]
      // The first brings plugins and warms the master up.
      let first = try await site.runAgent(node, at: masterpool.address)
      #expect(first.status == .exited(0) || first.status == .exited(2), "\(first.output)\(first.errors)")
      let warm = try await Self.figures(of: masterpool)
      try "now\n".write(toFile: "\(site.folder)/agents/\(node)/root/wants-it", mode: 0o644)
      let run = try await site.runAgent(node, at: masterpool.address)
      #expect(run.status == .exited(2), "\(run.output)\(run.errors)")
      try Self.expectWhole("\(site.folder)/agents/\(node)/root/large")

      let after = try await Self.figures(of: masterpool) { $0.fileBytes >= warm.fileBytes + Self.size }
      // Node, catalog and report; of the file neither its metadata nor its content.
      #expect(after.workerRequests - warm.workerRequests <= 4)
      // A master that hashes it grows by a quarter of its size.
      #expect(after.workerMemory - warm.workerMemory < Self.size / 16, "\(warm) became \(after)")
      #expect(after.proxyMemory - warm.proxyMemory < Self.size / 16, "\(warm) became \(after)")
    }
  }

  private struct Figures {
    var fileBytes = 0
    var workerRequests = 0
    var workerMemory = 0
    var proxyMemory = 0
  }

  /// Counters come once a second.
  private static func figures(
    of masterpool: Masterpool, once isThere: (Figures) -> Bool = { _ in true }
  ) async throws -> Figures {
    let deadline = Deadline.patient
    while true {
      try await Task.sleep(for: .milliseconds(1100))
      let status = try await masterpool.status()
      var figures = Figures()
      figures.fileBytes = status.proxy?.fileBytesTotal ?? 0
      figures.proxyMemory = status.proxy.flatMap { Processes.pss($0.pid) } ?? 0
      for worker in status.pools.flatMap(\.workers) {
        figures.workerRequests += worker.requestsTotal
        figures.workerMemory += worker.pid.flatMap { Processes.pss($0) } ?? 0
      }
      if isThere(figures) { return figures }
      if deadline.passed { throw TimedOut("the counters, which are \(figures)") }
    }
  }

  /// Holes but for a word at its start and at its end.
  private static func codeWithLargeFile(_ folder: String) throws -> String {
    let environment = "\(folder)/code/environments/production"
    let files = "\(environment)/modules/large/files"
    for path in ["\(environment)/manifests", files] { try makeFolder(path) }
    // Applied only where the node's root holds the word, so that one run goes before it.
    let facts = "\(environment)/modules/large/lib/facter"
    try makeFolder(facts)
    try """
    Facter.add(:wants_large) do
      setcode { File.exist?(File.join(ENV['FACTER_demo_root'], 'wants-it')) }
    end

    """.write(toFile: "\(facts)/wants_large.rb", mode: 0o644)
    try """
    node default {
      if $facts['wants_large'] {
        file { "${facts['demo_root']}/large": source => 'puppet:///modules/large/large' }
      }
    }

    """.write(toFile: "\(environment)/manifests/site.pp", mode: 0o644)
    try "begins".write(toFile: "\(files)/large", mode: 0o644)
    let descriptor = open("\(files)/large", O_WRONLY | O_CLOEXEC)
    defer { close(descriptor) }
    guard pwrite(descriptor, "ends", 4, size - 4) == 4 else { throw SystemFailure("writing the large file") }
    return "\(folder)/code"
  }

  private static func expectWhole(_ path: String) throws {
    let file = try #require(FileHandle(forReadingAtPath: path))
    defer { try? file.close() }
    #expect(try file.read(upToCount: 6) == Data("begins".utf8))
    try file.seek(toOffset: UInt64(size - 4))
    #expect(try file.read(upToCount: 10) == Data("ends".utf8))
  }
}
