import Pool

/// Finds files the way Puppet's own masters find them.
final class PuppetFiles: Sendable {
  private let sites: [PoolName: PuppetSite]
  private let checksums: ChecksumCache

  init(_ plans: [PuppetFilePlan], within limits: FileLimits, replacing old: PuppetFiles?) {
    let cache =
      old.map(\.checksums).flatMap { $0.capacity == limits.checksums ? $0 : nil }
      ?? ChecksumCache(capacity: limits.checksums)
    checksums = cache
    sites = Dictionary(
      plans.map { ($0.pool, PuppetSite($0, within: limits, checksums: cache)) },
      uniquingKeysWith: { first, _ in first })
  }

  func look(pool: PoolName, path: Span<UInt8>, query: Span<UInt8>, accept: Span<UInt8>) -> FileAnswer {
    guard PuppetRequest.mayBe(path), let site = sites[pool], let request = PuppetRequest(path: path, query: query),
      accepts(accept, request.kind)
    else { return .notOurs }
    return site.look(request)
  }

  /// Metadata is JSON for those who would rather have JSON than anything else; a content has one form only.
  private func accepts(_ field: Span<UInt8>, _ kind: PuppetRequest.Kind) -> Bool {
    let types = pieces(of: String(copying: field)[...], at: ",").map(trimmed)
    return switch kind {
    case .content: types.contains("application/octet-stream")
    case .metadata, .metadatas: types.first == "application/json"
    }
  }
}
