import Foundation
import Pool
import TestSupport
import Testing

/// What Puppet's own code makes of our answers, as it stands in an agent's log.
@Suite struct PuppetAnswerTests {
  /// `Puppet::Indirector::REST` words what a run's log says of a failed request.
  private static let script = """
    require 'puppet'
    require 'puppet/indirector/rest'
    require 'puppet/network/http'
    Puppet.initialize_settings(['--confdir', ARGV[1], '--vardir', ARGV[1]])
    client = Puppet::HTTP::Client.new
    mime = Puppet::Resource::Catalog.supported_formats.map { |f| Puppet::Resource::Catalog.get_format(f).mime }
    accept = ARGV[2] == 'file' ? 'application/octet-stream' : mime.join(', ')
    response = client.get(URI(ARGV[0]), headers: {'Accept' => accept})
    rest = Puppet::Indirector::REST.allocate
    puts rest.send(:convert_to_http_error, response).message
    """

  @Test(arguments: ["catalog", "file"]) func anAgentPrintsASentence(_ kind: String) async throws {
    var arrangement = Arrangement()
    arrangement.routes = [Route(path: "/puppet/", allow: .authenticated, pool: masters)]
    try await withTemporaryDirectory { folder in
      try Self.script.write(toFile: "\(folder)/ask.rb", atomically: true, encoding: .utf8)
      try await withProxy(arrangement, worker: echo) { proxy, _ in
        let ruby = try Child(
          "/usr/bin/ruby", ["\(folder)/ask.rb", "http://\(proxy.address)/puppet/v3/catalog/a", folder, kind],
          environment: ["HOME": folder])
        #expect(try await ruby.end() == .exited(0), "\(ruby.standardError)")
        let said = ruby.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(said.wholeMatch(of: /Error 403 on SERVER: [A-Z][^{}"]+\./) != nil, "\(said)")
      }
    }
  }
}
