import Foundation
import Glibc
import Pool
import TestSupport
import Testing

/// Files from disk, by the program as it is started.
@Suite struct FileTests {
  @Test(arguments: [false, true])
  func aLargeFileTakesNoMemoryAndNoWorker(overTLS: Bool) async throws {
    try await withTemporaryDirectory { place in
      let size = 500_000_000
      let downloads = 4
      try sparseFile("\(place)/large", size)
      var setup = Setup()
      setup.files = ["{path: /downloads/, folder: \(place)}"]
      if overTLS {
        mkdir("\(place)/tls", 0o700)
        setup.certificates = try await Certificates.make(in: "\(place)/tls", clients: [])
        setup.verifyClient = "optional"
        // The keys lie beside the files, and that is refused.
        setup.files = ["{path: /downloads/, folder: \(place)/files}"]
        mkdir("\(place)/files", 0o755)
        rename("\(place)/large", "\(place)/files/large")
      }
      try await withMasterpool(setup) { masterpool in
        let proxy = try #require(try await masterpool.status().proxy).pid
        let url = "http\(overTLS ? "s" : "")://\(masterpool.address)/downloads/large"
        let before = try #require(Processes.pss(proxy))
        let peak = try await withThrowingTaskGroup(of: CommandResult.self) { group in
          for _ in 0..<downloads {
            group.addTask {
              try await run(
                "/usr/bin/curl", ["-skS", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url],
                within: .seconds(120))
            }
          }
          let watch = Task {
            var peak = before
            while !Task.isCancelled {
              peak = max(peak, Processes.pss(proxy) ?? 0)
              try? await Task.sleep(for: .milliseconds(50))
            }
            return peak
          }
          for try await result in group { #expect(result.output == "200 \(size)", "\(result.errors)") }
          watch.cancel()
          return await watch.value
        }
        // A hundredth of what is under way at any time.
        #expect(peak - before < downloads * size / 100, "\(before) bytes grew to \(peak)")
        let status = try await self.status(of: masterpool, files: downloads, bytes: downloads * size)
        let asked = status.pools.flatMap(\.workers).map(\.requestsTotal)
        #expect(asked.reduce(0, +) == 0)
        let metrics = try await request("GET", "/metrics", at: .unix(masterpool.controlSocket))
        #expect(metrics.text.contains("masterpool_proxy_files_total \(downloads)\n"))
      }
    }
  }

  /// The proxy tells its counters once a second.
  /// Counters come once a second, and count what is under way.
  private func status(of masterpool: Masterpool, files: Int, bytes: Int) async throws -> StatusDocument {
    let deadline = Deadline.patient
    while true {
      let status = try await masterpool.status()
      if status.proxy?.filesTotal == files, status.proxy?.fileBytesTotal == bytes { return status }
      if deadline.passed { throw TimedOut("\(files) files of \(bytes) bytes in the status") }
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  private func sparseFile(_ path: String, _ size: Int) throws {
    try "".write(toFile: path, mode: 0o644)
    guard truncate(path, size) == 0 else { throw SystemFailure("truncate \(path)") }
  }
}
