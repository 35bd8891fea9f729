import CLinux
import Glibc

/// What an event is about, in the 64 bits that epoll carries: kind, which use of the place or number, and which.
struct Token: BitwiseCopyable {
  enum Kind: UInt64 {
    case listener, mailbox, downstream, upstream
  }

  static let serialMask: UInt32 = (1 << 30) - 1

  let bits: UInt64

  init(bits: UInt64) { self.bits = bits }

  init(_ kind: Kind, _ value: UInt32, serial: UInt32 = 0) {
    bits = kind.rawValue << 62 | UInt64(serial & Self.serialMask) << 32 | UInt64(value)
  }

  var kind: Kind { Kind(rawValue: bits >> 62) ?? .mailbox }
  var serial: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) & Self.serialMask }
  var value: UInt32 { UInt32(truncatingIfNeeded: bits) }
}

/// What a descriptor is ready for.
struct Readiness: OptionSet, BitwiseCopyable {
  let rawValue: UInt32

  static let input = Readiness(rawValue: clinux_epoll_in)
  static let output = Readiness(rawValue: clinux_epoll_out)
  /// The peer sends no more.
  static let inputEnded = Readiness(rawValue: clinux_epoll_read_hangup)
  /// The connection is gone in both directions.
  static let broken = Readiness(rawValue: clinux_epoll_hangup | clinux_epoll_error)
  static let edge = Readiness(rawValue: clinux_epoll_edge)
  static let exclusive = Readiness(rawValue: clinux_epoll_exclusive)

  /// A connection is registered once, edge-triggered, so that reading can pause without a system call.
  static let connection: Readiness = [.input, .inputEnded, .edge]
}

/// One epoll set.
struct Poller: ~Copyable {
  static let batch = 256

  let descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>

  init(descriptor: Int32) {
    self.descriptor = descriptor
    events = .allocate(capacity: Self.batch)
  }

  deinit { events.deallocate() }

  /// How many events wait to be read by `event(_:)`; 0 after the time-out or a signal.
  func wait(milliseconds: Int32) -> Int {
    max(0, Int(clinux_epoll_wait(descriptor, events, Int32(Self.batch), milliseconds)))
  }

  func event(_ index: Int) -> (token: Token, ready: Readiness) {
    (Token(bits: events[index].data.u64), Readiness(rawValue: events[index].events))
  }

  @discardableResult
  func add(_ descriptor: Int32, _ interest: Readiness, _ token: Token) -> Bool {
    clinux_epoll_control(self.descriptor, EPOLL_CTL_ADD, descriptor, interest.rawValue, token.bits) == 0
  }

  @discardableResult
  func change(_ descriptor: Int32, _ interest: Readiness, _ token: Token) -> Bool {
    clinux_epoll_control(self.descriptor, EPOLL_CTL_MOD, descriptor, interest.rawValue, token.bits) == 0
  }

  func remove(_ descriptor: Int32) { Poller.remove(descriptor, from: self.descriptor) }

  /// Also for another loop's set: epoll allows it from any thread.
  static func remove(_ descriptor: Int32, from poller: Int32) {
    _ = clinux_epoll_control(poller, EPOLL_CTL_DEL, descriptor, 0, 0)
  }
}
