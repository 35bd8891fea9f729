import Pool

/// The supervisor's end of the link to one proxy.
typealias ProxyLink = LineLink<ProxyCommand, ProxyReport>

extension LineLink where Order == ProxyCommand, Report == ProxyReport {
  /// The link and the proxy's end of it, which the caller passes on and closes.
  static func make() throws(SpawnFailure) -> (ProxyLink, proxyEnd: Int32) {
    let ends = try makeLinkEnds(whose: "proxy")
    return (ProxyLink(proxy: ends.ours), ends.theirs)
  }

  convenience init(proxy descriptor: Int32, isForeign: Bool = false) {
    self.init(descriptor: descriptor, maxLineBytes: Link.maxLineBytes, isForeign: isForeign)
  }
}
