import Foundation
import Pool
import TestSupport
import Testing

/// A catalog that never gets done: what Ruby was at is in the ledger.
@Suite struct BacktraceTests {
  private static let function = """
    Puppet::Functions.create_function(:wedge) do
      dispatch(:wedge) {}

      def wedge
        wait_for_ever
      end

      def wait_for_ever
        sleep
      end
    end

    """

  private static func codeThatWedges(_ folder: String) throws -> String {
    let environment = "\(folder)/code/environments/production"
    let functions = "\(environment)/modules/wedge/lib/puppet/functions"
    for path in [functions, "\(environment)/manifests"] { try makeFolder(path) }
    try function.write(toFile: "\(functions)/wedge.rb", mode: 0o644)
    try "wedge()\n".write(toFile: "\(environment)/manifests/site.pp", mode: 0o644)
    return "\(folder)/code"
  }

  @Test func aHungCatalogLeavesItsBacktrace() async throws {
    try await withPuppetSite(pool: ["request_timeout: 8s"], code: Self.codeThatWedges) { site, masterpool in
      let node = PuppetSite.nodes[0]
      let client = try site.certificates.client(node)
      let answer = try await request(
        "GET", "/puppet/v3/catalog/\(node)?environment=production", at: masterpool.address, tls: client,
        within: .seconds(60))
      #expect(answer.status == 504, "\(answer.text)")
      let exit = try await masterpool.event("the hung master's exit") { $0.kind == .exit }
      #expect(exit.exit?.reason == .stuck)
      let capture = try #require(exit.capture)
      #expect(capture.hasPrefix("ruby thread main, "), "\(capture)")
      #expect(capture.contains("wedge.rb:9:in `sleep'"), "\(capture)")
      #expect(capture.contains("in `wait_for_ever'"))
      #expect(capture.contains("masterpool/puppet_api.rb"))
      #expect(capture.contains("process \(exit.exit?.pid ?? 0): "))
    }
  }
}
