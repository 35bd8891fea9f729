import Testing
import TestSupport

@Suite struct ForwardingTests {
  @Test func forwardsARequestAndItsAnswer() async throws {
    try await withProxy(worker: echo) { proxy, origin in
      let response = try await request("GET", "/puppet/v3/status?x=1", at: proxy.address)
      #expect(response.status == 200)
      #expect(response.text == "/puppet/v3/status?x=1")
      #expect(origin.heads.first?.hasPrefix("GET /puppet/v3/status?x=1 HTTP/1.1\r\n") == true)
      #expect(field("x-client-verify", of: origin.heads[0]) == "NONE")
      #expect(field("x-forwarded-for", of: origin.heads[0]) == "127.0.0.1")
      #expect(field("x-forwarded-proto", of: origin.heads[0]) == "http")
    }
  }
}
