import Pool
import Testing

@Suite struct NoticeTextTests {
  private static let alerts = [
    Alert(.firing, notice(.noWorker, "a"), since: second(0)),
    Alert(.occurred, Notice(.stuck, subject: "a/1", summary: "<b> & c", details: "see there"), since: second(5)),
    Alert(.resolved, notice(.queue, "a"), since: second(0), ended: second(90)),
  ]

  private static func text(
    _ template: String?, _ alerts: [Alert] = alerts, more: Int = 0, _ format: NoticeReceiver.Format = .json
  ) -> String {
    let message = NoticeMessage(number: 1, receiver: "ops", at: second(9), alerts: alerts, more: more)
    let words = NoticeText(message, host: "p1", link: "https://p1/")
    guard let template else { return words.text(nil, for: format) }
    return (try? NoticeTemplate(template)).map { words.text($0, for: format) } ?? "no template"
  }

  @Test func aMessageIsAHeadlineAndALineForEach() {
    let text = Self.text(nil, more: 12)
    #expect(
      text == """
        masterpool on p1: critical
        no_worker of a
        <b> & c (see there)
        over, after 1m30s: queue of a
        and 12 more
        https://p1/
        """)
    let over = Self.text(nil, [Self.alerts[2]])
    #expect(over.hasPrefix("masterpool on p1: all is well again\n"))
  }

  @Test func slackReadsNoMarkupInValues() {
    let text = Self.text("<!channel> {list}", [Self.alerts[1]], .slack)
    #expect(text == "<!channel> &lt;b&gt; &amp; c (see there)")
  }

  @Test(arguments: [
    ("{host}: {summary}", "p1: no_worker of a"),
    ("{count} and {more} of {kinds}", "3 and 0 of no_worker, queue, stuck"),
    ("{{{status}}} {severity}", "{firing} critical"), ("{receiver}{newline}{pools} {link}", "ops\na https://p1/"),
    ("", ""), ("plain", "plain"),
  ])
  func placeholdersAreFilled(_ template: String, _ text: String) {
    let filled = Self.text(template)
    #expect(filled == text)
  }

  @Test(arguments: [
    ("{hosts}", NoticeTemplate.Failure.unknown("hosts")), ("{", .brace), ("a } b", .brace), ("{host", .brace),
    ("{}", .unknown("")),
  ])
  func whatIsNoTemplateIsRefused(_ text: String, _ failure: NoticeTemplate.Failure) {
    #expect(throws: failure) { _ = try NoticeTemplate(text) }
  }
}

@Suite struct WebhookURLTests {
  @Test(arguments: [
    (
      "https://hooks.slack.com/services/T0/B0/x", "hooks.slack.com", 443, "/services/T0/B0/x",
      "https://hooks.slack.com/…"
    ),
    ("HTTPS://a.example", "a.example", 443, "/", "https://a.example/…"),
    ("http://127.0.0.1:8080/x?y=z", "127.0.0.1", 8080, "/x?y=z", "http://127.0.0.1:8080/…"),
    ("https://[::1]:8443/", "::1", 8443, "/", "https://[::1]:8443/…"),
    ("http://[fe80::1]?a", "fe80::1", 80, "/?a", "http://[fe80::1]/…"),
  ])
  func aURLIsTakenApart(_ text: String, _ host: String, _ port: UInt16, _ path: String, _ shown: String) throws {
    let url = try WebhookURL(text)
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(url.path == path)
    #expect(url.shown == shown)
  }

  @Test(arguments: [
    ("ftp://a/", WebhookURL.Failure.scheme), ("hooks.slack.com/x", .scheme), ("", .scheme), ("https://", .host),
    ("https://a b/", .host), ("https://[::g]/", .host), ("https://[]/", .host), ("https://a:0/", .port),
    ("https://a:65536/", .port), ("https://a:/", .port), ("https://u:p@a/", .user), ("https://a/ö", .path),
    ("https://a/b c", .path), ("https://a/#b", .fragment), ("https://\u{1F984}/", .host),
  ])
  func whatIsNoneIsRefused(_ text: String, _ failure: WebhookURL.Failure) {
    #expect(throws: failure) { _ = try WebhookURL(text) }
  }
}

@Suite struct ProxyURLTests {
  @Test(arguments: [
    ("http://proxy.example.com:3128", "proxy.example.com", 3128, nil, "http://proxy.example.com:3128"),
    ("HTTP://10.0.0.1:8080/", "10.0.0.1", 8080, nil, "http://10.0.0.1:8080"),
    ("http://[fd00::1]:3128", "fd00::1", 3128, nil, "http://[fd00::1]:3128"),
    ("http://ops:word@proxy:3128", "proxy", 3128, ProxyURL.Login(user: "ops", password: "word"), "http://proxy:3128"),
    ("http://o%40x:a%3Ab:c@d%2F@p:1", "p", 1, ProxyURL.Login(user: "o@x", password: "a:b:c@d/"), "http://p:1"),
    ("http://ops:@proxy:3128", "proxy", 3128, ProxyURL.Login(user: "ops", password: ""), "http://proxy:3128"),
  ])
  func aURLIsTakenApart(
    _ text: String, _ host: String, _ port: UInt16, _ login: ProxyURL.Login?, _ shown: String
  ) throws {
    let url = try ProxyURL(text)
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(url.login == login)
    #expect(url.shown == shown)
  }

  @Test(arguments: [
    ("https://proxy:3128", ProxyURL.Failure.scheme), ("socks5://proxy:1080", .scheme), ("proxy:3128", .scheme),
    ("", .scheme), ("http://proxy", .port), ("http://proxy:", .port), ("http://proxy:0", .port),
    ("http://:3128", .host),
    ("http://a b:3128", .host), ("http://proxy:3128/x", .path), ("http://proxy:3128?x", .path),
    ("http://a:b/c@proxy:3128", .path), ("http://ops@proxy:3128", .login), ("http://:word@proxy:3128", .login),
    ("http://ops:%4@proxy:3128", .login), ("http://ops:%zz@proxy:3128", .login),
    ("http://ops:%0a@proxy:3128", .login),
    ("http://ops:%ff@proxy:3128", .login), ("http://o%3As:word@proxy:3128", .login),
  ])
  func whatIsNoneIsRefused(_ text: String, _ failure: ProxyURL.Failure) {
    #expect(throws: failure) { _ = try ProxyURL(text) }
  }
}
