/// What happened to a pool, or is asked of it.
public enum PoolEvent: Hashable, Sendable {
  /// Fill the slots.
  case start
  case becameReady(WorkerID)
  /// It ran but did not pass its probe in time.
  case notReady(WorkerID, String)
  /// No process came of it: no fresh folder, or no program.
  case startFailed(WorkerID, String)
  case exited(WorkerID, Measurement)
  case wiped(WorkerID)
  /// Its last request is finished.
  case drained(WorkerID)
  /// `memory` is held against the worker's own limits, by the measure of the settings; `share`, by default the same,
  /// is its part of the budget: PSS and swap.
  case sampled(WorkerID, memory: ByteCount, share: ByteCount? = nil)
  /// What the pool's other processes hold, as a warm parent.
  case sampledOthers(ByteCount)
  /// How busy the pool is: requests in flight and waiting for each 100 that it can serve at once.
  case load(percent: Int)
  /// Only needed where recycles have windows.
  case clock(WallClock)
  case served(WorkerID, requests: Int)
  /// One of its requests is older than allowed.
  case overdue(WorkerID, age: Duration)
  /// One of its requests is older than others let expect, and it does nothing at all.
  case stuck(WorkerID, age: Duration, limit: Duration)
  case probed(WorkerID, passed: Bool)
  /// Recycle this slot, or all of them.
  case restart(slot: Int?, RecycleReason)
  /// A recycle of this slot that waits for this reason is not wanted any more.
  case forget(slot: Int, RecycleReason)
  case hold(slot: Int)
  case release(slot: Int)
  case scale(Int)
  /// Other numbers from now on; also takes back a shutdown.
  case reconfigure(PoolPolicy)
  /// End everything, drained; then again: at once.
  case shutdown
  case hurry
  /// Time has passed.
  case tick
  /// What happened while there was no supervisor has been told.
  case caughtUp
}

/// What the supervisor is to do, in this order.
public enum PoolEffect: Hashable, Sendable {
  /// A fresh folder, shared caches aside, a process, and probes until it is ready.
  case start(WorkerID)
  /// Let it take requests.
  case admit(WorkerID)
  /// No new requests; tell when the last is finished.
  case drain(WorkerID)
  /// Take its requests away from it and forget it.
  case retire(WorkerID)
  /// SIGTERM to its process group.
  case terminate(WorkerID)
  /// SIGKILL to its process group.
  case kill(WorkerID)
  /// Its process is gone: wipe what it cached and write its ledger row.
  case wipe(WorkerID, Departure)
  /// The slot waits for its next start.
  case backOff(SlotID, failures: Int, delay: Duration, why: String)
  /// Why something happens next, or does not; nothing to carry out.
  case decided(Decision)
  /// After a shutdown: nothing is left.
  case finished
}
