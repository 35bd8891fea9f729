import Pool
import Synchronization

/// One loop's counts of how long requests took: written by the loop alone, read by the link; made once, so that a
/// request costs a few additions and nothing else.
final class LoopDurations: @unchecked Sendable {
  // The pointer is never changed, and what it points at is atomic.
  private let counts: UnsafeMutablePointer<Atomic<Int>>
  private let pools: Int

  init(pools: Int) {
    self.pools = pools
    let size = pools * RequestDurations.slots
    counts = .allocate(capacity: size)
    for index in 0..<size { (counts + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counts.deinitialize(count: pools * RequestDurations.slots)
    counts.deallocate()
  }

  @inline(__always)
  func count(_ nanoseconds: Int64, _ stage: RequestDurations.Stage, _ priority: RoutePriority, pool: Int) {
    let places = RequestDurations.places(priority, stage, nanoseconds: nanoseconds)
    let first = pool * RequestDurations.slots
    counts[first + places.bucket].bump()
    counts[first + places.sum].bump(by: Int(max(0, nanoseconds)))
  }

  func durations(ofPool pool: Int) -> RequestDurations {
    let first = pool * RequestDurations.slots
    return RequestDurations(
      counts: (0..<RequestDurations.slots).map { counts[first + $0].load(ordering: .relaxed) })
  }
}
