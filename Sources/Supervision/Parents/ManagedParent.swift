import Glibc
import Pool

/// One parent's process and what is known of it.
struct ManagedParent {
  let generation: Int
  let child: ChildProcess
  let link: ParentLink
  /// Where the supervisor after this one comes in; empty: nowhere.
  let door: String
  let spawned: Instant
  var memory: ByteCount?
}

/// A worker that was asked of a parent and is not there yet.
struct ForkOrder {
  let endpoint: Endpoint
  let directory: String
  /// Of the pipe that is the worker's output.
  let output: Int32
  /// A byte into it lets the worker begin; its end tells it that nobody wants it.
  let lease: Int32
  let asked: Instant
  /// As the parent says.
  var pid: Int32?

  func giveUp() {
    close(output)
    close(lease)
  }
}

/// A pool's parents as they are: the machine that decides, and the processes that it decides about.
struct ParentDesk {
  var machine: ParentMachine
  var processes: [Int: ManagedParent] = [:]
  var orders: [WorkerID: ForkOrder] = [:]
  /// Wakes the machine at its next deadline.
  var alarm: (at: Instant, task: Task<Void, Never>)?
  /// What became of the latest deploy's new parent; nil: it is not known yet.
  var renewal: Result<Void, DeployFailure>?

  init(policy: ParentPolicy) { machine = ParentMachine(policy: policy) }

  var isFinished: Bool { machine.isFinished && processes.isEmpty }
}

/// Why a deploy was not carried through.
struct DeployFailure: Error {
  var why: String
}
