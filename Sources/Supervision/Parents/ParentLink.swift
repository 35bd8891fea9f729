import Dispatch

/// The supervisor's end of the socket to one parent.
typealias ParentLink = LineLink<ParentOrder, ParentReport>

extension LineLink where Order == ParentOrder, Report == ParentReport {
  /// The link and the parent's end of it, which the caller passes on and closes.
  static func make() throws(SpawnFailure) -> (ParentLink, parentEnd: Int32) {
    let ends = try makeLinkEnds(whose: "parent")
    return (ParentLink(parent: ends.ours), ends.theirs)
  }

  /// The link to a parent that another supervisor has started; nil: nobody listens there. Whether it answers is seen
  /// as with any other.
  static func join(door path: String) async -> ParentLink? {
    await withCheckedContinuation { continuation in
      DispatchQueue(label: "masterpool.parent.join").async {
        continuation.resume(
          returning: connectUnix(path, timeout: linkWriteTimeout).map { ParentLink(parent: $0) })
      }
    }
  }

  private convenience init(parent descriptor: Int32) { self.init(descriptor: descriptor, maxLineBytes: 64 << 10) }
}
