import CLinux
import Glibc

/// How a process ended.
enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32, coreDumped: Bool)
  /// It was another process's child, and only its parent learns how it ended.
  case unknown

  init(_ ended: clinux_exit) {
    switch ended.code {
    case Int32(CLD_EXITED): self = .exited(ended.status)
    case Int32(CLD_DUMPED): self = .signalled(ended.status, coreDumped: true)
    default: self = .signalled(ended.status, coreDumped: false)
    }
  }

  /// `exit 0`, `SIGKILL`, `SIGSEGV (core dumped)`, `unknown`
  var description: String {
    switch self {
    case .exited(let status): "exit \(status)"
    case .signalled(let signal, let coreDumped): Self.name(of: signal) + (coreDumped ? " (core dumped)" : "")
    case .unknown: "unknown"
    }
  }

  private static func name(of signal: Int32) -> String {
    guard let name = clinux_signal_name(signal) else { return "signal \(signal)" }
    return "SIG" + String(cString: name)
  }
}
