import Glibc

/// What a request's query tells the stub to do:
/// `ms=50` be slow · `spin=50` be slow by using the CPU · `leak=2MiB` · `bytes=16384` the answer's length ·
/// `chunked=1` · `drip=20` pause so long between the answer's pieces · `cut=100` close after so many bytes of the body,
/// `cut=-1` before the head · `status=500` · `hang=1` for ever · `until=FILE` wait until FILE exists · `crash=abort|segv|kill|exit` with
/// `at=before|amid|after` the answer · `exit=0` leave with this status once answered · `cache=3` leave files ·
/// `print=2` lines, each `length=200` long · `sick=1` fail probes from now on · `close=1` say Connection: close ·
/// `silent=1` close without a word after the answer · `once=FILE` do all this only if FILE does not exist yet, and
/// make it.
struct Orders {
  enum Crash: String { case abort, segv, kill, exit }
  enum Moment: String { case before, amid, after }

  var delay = Milliseconds(0)
  var spin = Milliseconds(0)
  var leak = ByteSize(0)
  var bytes = 0
  var chunked = false
  var drip = Milliseconds(0)
  var cut: Int?
  var status = 200
  var hang = false
  var until: String?
  var crash: Crash?
  var moment = Moment.before
  var exit: CInt?
  var cache = 0
  var print = 0
  var length = 40
  var sick = false
  var close = false
  var silent = false

  /// An order that cannot be read.
  struct Nonsense: Error { var order: String }

  init(_ query: [String: String]) throws(Nonsense) {
    if let file = query["once"] {
      let descriptor = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { return }
      Glibc.close(descriptor)
    }
    for (key, value) in query {
      func required<Value>(_ parsed: Value?) throws(Nonsense) -> Value {
        guard let parsed else { throw Nonsense(order: "\(key)=\(value)") }
        return parsed
      }
      switch key {
      case "ms": delay = try required(Milliseconds(argument: value))
      case "spin": spin = try required(Milliseconds(argument: value))
      case "leak": leak = try required(ByteSize(argument: value))
      case "bytes": bytes = try required(ByteSize(argument: value)).count
      case "chunked": chunked = value == "1"
      case "drip": drip = try required(Milliseconds(argument: value))
      case "cut": cut = try required(Int(value))
      case "status": status = try required(Int(value))
      case "hang": hang = value == "1"
      case "until": until = value
      case "crash": crash = try required(Crash(rawValue: value))
      case "at": moment = try required(Moment(rawValue: value))
      case "exit": exit = try required(CInt(value))
      case "cache": cache = try required(Int(value))
      case "print": print = try required(Int(value))
      case "length": length = try required(Int(value))
      case "sick": sick = value == "1"
      case "close": close = value == "1"
      case "silent": silent = value == "1"
      default: continue
      }
    }
  }

  func crash(at moment: Moment) {
    guard let crash, moment == self.moment else { return }
    switch crash {
    case .abort: Glibc.abort()
    case .segv:
      signal(SIGSEGV, SIG_DFL)
      kill(getpid(), SIGSEGV)
    case .kill: kill(getpid(), SIGKILL)
    case .exit: _exit(1)
    }
    // A signal may take a moment to arrive; nothing may be answered in it.
    while true { pause(for: Milliseconds(1000)) }
  }
}
