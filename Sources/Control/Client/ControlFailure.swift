/// Why a command to the supervisor came to nothing.
public enum ControlFailure: Error, Equatable, CustomStringConvertible {
  /// No supervisor serves this socket.
  case nobodyThere(socket: String, why: String)
  /// It said no.
  case refused(String)
  /// It could not be asked, or did not answer as it should.
  case failed(String)

  /// The exit status of the contract: 69 where there is no supervisor, else 1.
  public var exitStatus: Int32 {
    switch self {
    case .nobodyThere: 69
    case .refused, .failed: 1
    }
  }

  public var description: String {
    switch self {
    case .nobodyThere(let socket, let why):
      "no masterpool at \(socket) (\(why)); is it running? Name its socket with --control"
    case .refused(let message): "refused: \(message)"
    case .failed(let message): message
    }
  }
}
