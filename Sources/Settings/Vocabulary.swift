import Pool

/// The keys that one mapping of the file may have, and what may stand below them.
public struct Vocabulary: Sendable {
  public var keys: [String]
  public var sections: [String: Vocabulary]

  init(_ keys: [String], _ sections: [String: Vocabulary] = [:]) {
    self.keys = keys + sections.keys.filter { !keys.contains($0) }.sorted()
    self.sections = sections
  }

  /// Every key with its path, such as `pools.NAME.recycle.every`, in a stable order.
  public var allPaths: [String] {
    keys.flatMap { key in [key] + (sections[key]?.allPaths.map { "\(key).\($0)" } ?? []) }
  }

  /// What the whole file may say. A list's or a named mapping's members stand under `*`.
  public static let file = Vocabulary(
    [
      "state_dir", "run_dir", "listen", "proxy", "pools", "routes", "files", "access_log", "history", "nodes",
      "log", "notify", "control",
    ],
    [
      "listen": Vocabulary([], ["*": listener]), "proxy": proxy, "pools": Vocabulary([], ["*": pool]),
      "routes": Vocabulary([], ["*": route]), "files": Vocabulary([], ["*": files]), "access_log": accessLog,
      "history": history, "nodes": nodes, "log": log, "notify": notify, "control": control,
    ])

  static let listener = Vocabulary(["address"], ["tls": tls, "proxy_protocol": proxyProtocol])
  static let proxyProtocol = Vocabulary(["from"])
  static let tls = Vocabulary([
    "certificate", "private_key", "client_ca", "client_crl", "verify_client", "session_lifetime",
  ])
  static let proxy = Vocabulary([
    "threads", "max_connections", "max_connections_per_address", "max_requests_per_connection",
    "max_pipelined_requests", "handshake_timeout", "header_timeout", "idle_timeout", "max_header_size",
    "max_header_count", "max_uri_length", "max_body_size", "max_buffered_body", "buffer_memory", "min_body_rate",
    "min_send_rate", "body_grace", "max_interim_responses", "max_chunk_extension", "connect_timeout",
    "half_closed_check", "linger_timeout", "linger", "idle_drain", "file_threads", "file_queue", "drain",
    "max_silence", "file_trust", "file_environments", "file_modules", "file_tree_entries", "file_checksums",
    "file_list_memory",
  ])
  static let pool = Vocabulary(
    [
      "master", "puppet", "command", "environment", "user", "working_directory", "workers", "concurrency", "queue",
      "request_timeout", "stuck", "quarantine", "backtrace", "ready", "alive", "recycle", "stop", "cache", "preload",
      "parent", "deploy", "memory_budget",
    ],
    [
      "puppet": puppet, "queue": queue, "stuck": stuck, "quarantine": quarantine, "ready": ready, "alive": alive,
      "recycle": recycle, "stop": stop, "cache": cache, "parent": parent, "deploy": deploy,
    ])
  static let puppet = Vocabulary([
    "confdir", "codedir", "ssldir", "reportdir", "bucketdir", "environment_timeout", "files", "canary",
    "canary_facts",
    "ruby", "adapter",
  ])
  static let queue = Vocabulary(
    ["limit", "ceiling", "timeout", "lift", "retry_after", "run_quiet", "nodes"], ["retry_after": retryAfter])
  static let retryAfter = Vocabulary(["min", "max"])
  static let stuck = Vocabulary(["factor", "at_least", "samples", "look", "nodes"])
  static let quarantine = Vocabulary(["strikes", "within", "for", "nodes"])
  static let ready = Vocabulary(["path", "timeout"])
  static let alive = Vocabulary(["path", "every", "timeout", "failures"])
  static let recycle = Vocabulary(
    [
      "every", "jitter", "memory", "memory_limit", "measure", "near_budget", "requests", "min_age", "windows",
      "load_below", "surge", "min_ready",
    ], ["windows": Vocabulary([], ["*": window])])
  static let window = Vocabulary(["only", "never"])
  static let parent = Vocabulary(["every", "memory_limit", "ready_timeout", "wait", "fork_timeout", "ping"])
  static let deploy = Vocabulary(["watch", "settle", "max_watches"])
  static let stop = Vocabulary(["drain", "terminate"])
  static let cache = Vocabulary(["wipe", "shared"])
  static let route = Vocabulary(["path", "methods", "allow", "pool", "retry", "priority"])
  static let files = Vocabulary(["path", "folder"])
  static let accessLog = Vocabulary(["to", "format", "buffer", "max_field", "socket", "facility"])
  static let history = Vocabulary(["keep", "max_size", "sample_every"])
  static let nodes = Vocabulary(["limit", "overdue", "forget"])
  static let log = Vocabulary(["format", "level", "levels", "max_line", "buffer", "socket"], ["levels": logLevels])
  static let logLevels = Vocabulary(LogOrigin.allCases.map(\.rawValue))
  static let notify = Vocabulary(
    [
      "receivers", "proxy", "proxy_file", "host", "link", "for", "group_by", "group_wait", "group_interval",
      "repeat_interval", "resolved",
      "max_messages_per_hour", "max_alerts", "max_listed", "crash_loop", "certificate_expiry", "crl_expiry",
      "last_wait",
    ], ["receivers": Vocabulary([], ["*": receiver])])
  static let receiver = Vocabulary([
    "name", "url", "url_file", "format", "template", "headers", "header_files", "on", "pools", "min_severity", "ca",
    "proxy", "proxy_file",
    "timeout", "max_attempts", "max_age", "retry_wait", "max_retry_wait", "queue", "max_response",
  ])
  static let control = Vocabulary(["socket", "listen", "token_file", "allow_hosts"])
}
