import Files
import Glibc
import Pool
import Synchronization

/// Who asked for a job: the answer of one that was given up meanwhile finds another number there.
struct LookTicket: Sendable {
  var ticket: Ticket
  var number: UInt32
}

/// A few threads for what no event loop may wait for: hashing files, reading trees.
final class FileClerks: Sendable {
  private struct Errand {
    var job: FileJob
    var ticket: LookTicket
  }
  private struct Desk {
    var errands: [Errand] = []
    /// Threads are started with the first errands.
    var threads = 0
    var isClosed = false
  }

  private let limit: Int
  private let threads: Int
  private let doors: [LoopDoor]
  private let desk = Mutex(Desk())
  private let bell = Bell()

  init(threads: Int, queue limit: Int, doors: [LoopDoor]) {
    self.limit = max(0, limit)
    self.threads = max(1, threads)
    self.doors = doors
  }

  /// False: too many wait already, and a worker had better do it.
  func take(_ job: FileJob, for ticket: LookTicket) -> Bool {
    enum Verdict { case refused, taken, takenByNewThread }
    let verdict = desk.withLock { desk -> Verdict in
      guard !desk.isClosed, desk.errands.count < limit else { return .refused }
      desk.errands.append(Errand(job: job, ticket: ticket))
      guard desk.threads < threads else { return .taken }
      desk.threads += 1
      return .takenByNewThread
    }
    switch verdict {
    case .refused: return false
    case .takenByNewThread: startThread()
    case .taken: break
    }
    bell.ring()
    return true
  }

  /// The threads end once they have done what they are at.
  func close() {
    let count = desk.withLock { desk in
      desk.isClosed = true
      desk.errands = []
      return desk.threads
    }
    for _ in 0..<count { bell.ring() }
  }

  private func startThread() {
    var thread = pthread_t()
    let seed = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, nil,
      { seed in
        if let seed { Unmanaged<FileClerks>.fromOpaque(seed).takeRetainedValue().work() }
        return nil
      }, seed.toOpaque())
    guard code == 0 else {
      seed.release()
      return desk.withLock { $0.threads -= 1 }
    }
    pthread_detach(thread)
  }

  private func work() {
    while true {
      bell.wait()
      let (errand, isClosed) = desk.withLock { desk in
        (desk.errands.isEmpty ? nil : desk.errands.removeFirst(), desk.isClosed)
      }
      if let errand {
        let door = doors[Int(errand.ticket.ticket.loop)]
        errand.job.run { door.post(.looked(errand.ticket, $0)) }
      } else if isClosed {
        return
      }
    }
  }
}

/// A semaphore: one that waits goes on for each ring.
private final class Bell: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    semaphore = .allocate(capacity: 1)
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func ring() { sem_post(semaphore) }

  func wait() {
    while sem_wait(semaphore) != 0 {}
  }
}
