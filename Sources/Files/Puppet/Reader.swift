import CLinux
import Glibc
import Pool

/// The user that a pool's workers are. Where the proxy is somebody else, what the workers may not read it does not serve
/// either: permission bits are held against that user, and doubts go to a worker.
struct Reader: Sendable {
  private let user: UInt32
  private let groups: Set<UInt32>
  /// The kernel does the checking, or there is nothing to check.
  let isUnchecked: Bool

  init(_ identity: PuppetFilePlan.Identity) {
    user = identity.user
    groups = Set(identity.groups).union([identity.group])
    isUnchecked = user == 0 || user == geteuid()
  }

  func mayRead(_ facts: FileFacts) -> Bool { isUnchecked || allows(facts, 0o4) }

  /// A folder: look for a name in it, and list it.
  func mayEnter(_ facts: FileFacts) -> Bool { isUnchecked || allows(facts, 0o1) }
  func mayList(_ facts: FileFacts) -> Bool { isUnchecked || allows(facts, 0o5) }

  private func allows(_ facts: FileFacts, _ bits: UInt32) -> Bool {
    let shift: UInt32 = facts.owner == user ? 6 : groups.contains(facts.group) ? 3 : 0
    return facts.mode >> shift & bits == bits
  }

  /// All folders on the way to this one and itself, where its links really lead.
  func mayReach(_ folder: String) -> Bool {
    if isUnchecked { return true }
    guard let resolved = realpath(folder, nil) else { return false }
    defer { free(resolved) }
    var path = ""
    for part in segments(of: String(cString: resolved)) {
      path += "/\(part)"
      guard let facts = FileFacts(at: path), facts.kind == .folder, mayEnter(facts) else { return false }
    }
    return true
  }

  /// All folders between the open one and what the relative path names; a link on this way leads who knows where.
  func mayReach(_ path: String, beneath folder: Int32) -> Bool {
    if isUnchecked { return true }
    var way = ""
    let parts = segments(of: path)
    for (index, part) in parts.enumerated() {
      way += way.isEmpty ? "\(part)" : "/\(part)"
      let descriptor = clinux_find_beneath(folder, way, false)
      guard descriptor >= 0 else { return false }
      defer { close(descriptor) }
      guard let facts = FileFacts(descriptor: descriptor), facts.kind != .link else { return false }
      if index < parts.count - 1, !mayEnter(facts) { return false }
    }
    return true
  }
}
