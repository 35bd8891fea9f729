/// Why a parent is to be replaced by a new one.
public enum Renewal: Hashable, Sendable {
  case age(Duration, limit: Duration)
  case memory(ByteCount, limit: ByteCount)
  /// Other code, which an environment of this name must show to be sound; nil: the master's own choice alone.
  case deploy(environment: String?)
  /// It is started in another way.
  case reload
  /// It is another supervisor's child, and so are the workers that come of it: only their parent learns how they end.
  case takenOver
}

/// What happened to a pool's parents, or is asked of them. A parent is known by its generation.
public enum ParentEvent: Hashable, Sendable {
  case start
  case becameReady(Int)
  /// No process came of it, or it says itself that it cannot.
  case failed(Int, String)
  case exited(Int, Measurement)
  /// A worker is to be started.
  case wanted(WorkerID)
  /// That worker is not needed any more.
  case unwanted(WorkerID)
  case forked(WorkerID, by: Int)
  case notForked(WorkerID, by: Int, String)
  /// It answered a ping.
  case answered(Int)
  case sampled(Int, ByteCount)
  case renew(Renewal)
  /// Other numbers from now on.
  case reconfigure(ParentPolicy)
  case shutdown
  /// Time has passed.
  case tick
}

/// What the supervisor is to do, in this order.
public enum ParentEffect: Hashable, Sendable {
  /// A process, which is to compile in this environment too.
  case spawn(Int, environment: String?)
  case fork(WorkerID, from: Int)
  case ping(Int)
  /// Its process was forked: take it on.
  case adopt(WorkerID)
  /// Start it without a parent.
  case startCold(WorkerID, why: String)
  /// Nothing is to come of it.
  case drop(WorkerID)
  /// SIGTERM to its process group.
  case terminate(Int)
  /// SIGKILL to its process group.
  case kill(Int)
  /// It forks the workers from now on.
  case tookOver(Int, Renewal?)
  /// The one that was to take over did not, and the old one stays.
  case notRenewed(Renewal, why: String)
  /// There is no parent until the next is started.
  case backOff(failures: Int, delay: Duration, why: String)
}
