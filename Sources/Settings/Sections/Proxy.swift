import Pool

/// The bounds of what the `proxy` section may say.
enum ProxyBounds {
  static let threads = 1...256
  static let maxConnections = 1...1_000_000
  static let headerTimeout = Duration.milliseconds(100) ... .seconds(600)
  static let idleTimeout = Duration.seconds(1) ... .seconds(86400)
  static let maxHeaderSize = ByteCount.kibibytes(4) ... .mebibytes(1)
  static let maxBodySize = ByteCount.kibibytes(1) ... .mebibytes(1 << 20)
  static let maxBufferedBody = ByteCount(bytes: 0) ... .mebibytes(64)
}

extension Reader {
  func proxy(_ section: Section) -> ProxyLimits {
    let given = ProxyLimits()
    let limits = ProxyLimits(
      threads: section.optional("threads") { field in
        field.isWord("auto") ? nil : field.integer(in: ProxyBounds.threads, or: "auto")
      },
      maxConnections: section.read("max_connections", given.maxConnections) {
        $0.integer(in: ProxyBounds.maxConnections)
      },
      headerTimeout: section.read("header_timeout", given.headerTimeout) { $0.time(in: ProxyBounds.headerTimeout) },
      idleTimeout: section.read("idle_timeout", given.idleTimeout) { $0.time(in: ProxyBounds.idleTimeout) },
      maxHeaderSize: section.read("max_header_size", given.maxHeaderSize) {
        $0.size(in: ProxyBounds.maxHeaderSize)
      },
      maxBodySize: section.read("max_body_size", given.maxBodySize) { $0.size(in: ProxyBounds.maxBodySize) },
      maxBufferedBody: section.read("max_buffered_body", given.maxBufferedBody) {
        $0.size(in: ProxyBounds.maxBufferedBody)
      })
    return keepingBufferBelowBody(limits, section)
  }

  private func keepingBufferBelowBody(_ limits: ProxyLimits, _ section: Section) -> ProxyLimits {
    guard limits.maxBufferedBody > limits.maxBodySize else { return limits }
    guard let field = section["max_buffered_body"] else {
      // The default gives way to what was asked for.
      var limits = limits
      limits.maxBufferedBody = limits.maxBodySize
      return limits
    }
    field.problem(
      "\(limits.maxBufferedBody) is more than max_body_size lets in", "write at most \(limits.maxBodySize)")
    return limits
  }
}
