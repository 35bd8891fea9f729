import Pool

/// The bounds of what the `proxy` section may say.
enum ProxyBounds {
  static let threads = 1...256
  static let maxConnections = 1...1_000_000
  static let maxRequestsPerConnection = 1...1_000_000_000
  static let maxPipelinedRequests = 0...10_000
  static let handshakeTimeout = Duration.milliseconds(100) ... .seconds(600)
  static let headerTimeout = Duration.milliseconds(100) ... .seconds(600)
  static let idleTimeout = Duration.seconds(1) ... .seconds(86400)
  static let maxHeaderSize = ByteCount.kibibytes(4) ... .mebibytes(1)
  static let maxHeaderCount = 10...10_000
  static let maxURILength = ByteCount(bytes: 256) ... .mebibytes(1)
  static let maxBodySize = ByteCount.kibibytes(1) ... .mebibytes(1 << 20)
  static let drain = Duration.zero ... .seconds(86400)
  static let maxBufferedBody = ByteCount(bytes: 0) ... .mebibytes(64)
  static let bufferMemory = ByteCount(bytes: 0) ... .mebibytes(1 << 20)
  static let rate = ByteCount(bytes: 1) ... .mebibytes(1024)
  static let bodyGrace = Duration.milliseconds(100) ... .seconds(600)
  static let maxInterimResponses = 0...1000
  static let maxChunkExtension = ByteCount(bytes: 0) ... .kibibytes(64)
  static let connectTimeout = Duration.milliseconds(100) ... .seconds(60)
  static let halfClosedCheck = Duration.milliseconds(100) ... .seconds(60)
  static let linger = Duration.zero ... .seconds(600)
  static let idleDrain = Duration.zero ... .seconds(60)
  static let fileThreads = 1...64
  static let fileQueue = 0...100_000
  static let maxSilence = Duration.seconds(2) ... .seconds(600)
  static let fileTrust = Duration.zero ... .seconds(60)
  static let fileEnvironments = 1...10_000
  static let fileModules = 1...1_000_000
  static let fileTreeEntries = 1...10_000_000
  static let fileChecksums = 2...10_000_000
  static let fileListMemory = ByteCount(bytes: 0) ... .mebibytes(1 << 20)
}

extension Reader {
  func proxy(_ section: Section) -> ProxyLimits {
    let given = ProxyLimits()
    var limits = ProxyLimits(
      threads: section.optional("threads", shown: "auto") { field in
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
    limits.drain = section.read("drain", limits.drain) { $0.time(in: ProxyBounds.drain) }
    limits.maxSilence = section.read("max_silence", limits.maxSilence) { $0.time(in: ProxyBounds.maxSilence) }
    readConnections(section, &limits)
    readMessages(section, &limits)
    readPace(section, &limits)
    readEnds(section, &limits)
    limits.fileThreads = section.read("file_threads", limits.fileThreads) {
      $0.integer(in: ProxyBounds.fileThreads)
    }
    limits.fileQueue = section.read("file_queue", limits.fileQueue) { $0.integer(in: ProxyBounds.fileQueue) }
    return keepingURIBelowHead(keepingBufferBelowBody(limits, section), section)
  }

  private func readConnections(_ section: Section, _ limits: inout ProxyLimits) {
    limits.maxConnectionsPerAddress = section.read(
      "max_connections_per_address", limits.maxConnectionsPerAddress
    ) { field in
      field.off { $0.integer(in: ProxyBounds.maxConnections, or: "off") }
    }
    limits.maxRequestsPerConnection = section.read(
      "max_requests_per_connection", limits.maxRequestsPerConnection
    ) { field in
      field.off { $0.integer(in: ProxyBounds.maxRequestsPerConnection, or: "off") }
    }
    limits.maxPipelinedRequests = section.read("max_pipelined_requests", limits.maxPipelinedRequests) {
      $0.integer(in: ProxyBounds.maxPipelinedRequests)
    }
    limits.handshakeTimeout = section.read("handshake_timeout", limits.handshakeTimeout) {
      $0.time(in: ProxyBounds.handshakeTimeout)
    }
  }

  private func readMessages(_ section: Section, _ limits: inout ProxyLimits) {
    limits.maxHeaderCount = section.read("max_header_count", limits.maxHeaderCount) {
      $0.integer(in: ProxyBounds.maxHeaderCount)
    }
    limits.maxURILength = section.read("max_uri_length", limits.maxURILength) {
      $0.size(in: ProxyBounds.maxURILength)
    }
    limits.maxChunkExtension = section.read("max_chunk_extension", limits.maxChunkExtension) {
      $0.size(in: ProxyBounds.maxChunkExtension)
    }
    limits.bufferMemory = section.read("buffer_memory", limits.bufferMemory) {
      $0.size(in: ProxyBounds.bufferMemory)
    }
    limits.maxInterimResponses = section.read("max_interim_responses", limits.maxInterimResponses) {
      $0.integer(in: ProxyBounds.maxInterimResponses)
    }
  }

  private func readPace(_ section: Section, _ limits: inout ProxyLimits) {
    limits.minBodyRate = section.read("min_body_rate", limits.minBodyRate) { field in
      field.off { $0.size(in: ProxyBounds.rate, or: "off") }
    }
    limits.minSendRate = section.read("min_send_rate", limits.minSendRate) { field in
      field.off { $0.size(in: ProxyBounds.rate, or: "off") }
    }
    limits.bodyGrace = section.read("body_grace", limits.bodyGrace) { $0.time(in: ProxyBounds.bodyGrace) }
  }

  private func readEnds(_ section: Section, _ limits: inout ProxyLimits) {
    limits.connectTimeout = section.read("connect_timeout", limits.connectTimeout) {
      $0.time(in: ProxyBounds.connectTimeout)
    }
    limits.halfClosedCheck = section.read("half_closed_check", limits.halfClosedCheck) {
      $0.time(in: ProxyBounds.halfClosedCheck)
    }
    limits.lingerTimeout = section.read("linger_timeout", limits.lingerTimeout) { $0.time(in: ProxyBounds.linger) }
    limits.linger = section.read("linger", limits.linger) { $0.time(in: ProxyBounds.linger) }
    limits.idleDrain = section.read("idle_drain", limits.idleDrain) { $0.time(in: ProxyBounds.idleDrain) }
  }

  func fileLimits(_ section: Section) -> FileLimits {
    var limits = FileLimits()
    limits.trust = section.read("file_trust", limits.trust) { $0.time(in: ProxyBounds.fileTrust) }
    limits.environments = section.read("file_environments", limits.environments) {
      $0.integer(in: ProxyBounds.fileEnvironments)
    }
    limits.modules = section.read("file_modules", limits.modules) { $0.integer(in: ProxyBounds.fileModules) }
    limits.treeEntries = section.read("file_tree_entries", limits.treeEntries) {
      $0.integer(in: ProxyBounds.fileTreeEntries)
    }
    limits.checksums = section.read("file_checksums", limits.checksums) {
      $0.integer(in: ProxyBounds.fileChecksums)
    }
    limits.listMemory = section.read("file_list_memory", limits.listMemory) {
      $0.size(in: ProxyBounds.fileListMemory)
    }
    return limits
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

  private func keepingURIBelowHead(_ limits: ProxyLimits, _ section: Section) -> ProxyLimits {
    guard limits.maxURILength > limits.maxHeaderSize else { return limits }
    guard let field = section["max_uri_length"] else {
      var limits = limits
      limits.maxURILength = limits.maxHeaderSize
      return limits
    }
    field.problem(
      "\(limits.maxURILength) is more than max_header_size lets in", "write at most \(limits.maxHeaderSize)")
    return limits
  }
}
