import FoundationEssentials
import Glibc

/// The file in the run directory: whole or not at all, and only this boot's is believed.
extension RuntimeState {
  enum Finding {
    /// There is none: nobody was here, or everything was ended in good order.
    case nothing
    /// Nothing can be made of it; why, for an operator.
    case useless(String)
    case state(RuntimeState)
  }

  static func path(in runDirectory: String) -> String { "\(runDirectory)/state.json" }

  static func find(in runDirectory: String, stateDirectory: String) -> Finding {
    let path = path(in: runDirectory)
    guard access(path, F_OK) == 0 else { return .nothing }
    guard let data = try? Data(contentsOf: URL(filePath: path)) else { return .useless("\(path): \(reason())") }
    guard let head = try? JSONDecoder().decode(Head.self, from: data) else {
      return .useless("\(path) is damaged")
    }
    guard head.format == format else {
      return .useless("\(path) has the format \(head.format), not \(format)")
    }
    guard head.bootID == currentBootID() else { return .useless("\(path) was written before the machine started") }
    let state: RuntimeState
    do { state = try JSONDecoder().decode(RuntimeState.self, from: data) } catch {
      return .useless("\(path) cannot be understood: \(error)")
    }
    guard state.stateDirectory == stateDirectory else {
      return .useless("\(path) is of workers in \(state.stateDirectory), not \(stateDirectory)")
    }
    guard state.isStopping != true else { return .useless("\(path) was written while everything was being ended") }
    return .state(state)
  }

  private struct Head: Codable {
    var format: Int
    var bootID: String
  }

  static func currentBootID() -> String {
    let text = try? String(contentsOf: URL(filePath: "/proc/sys/kernel/random/boot_id"), encoding: .utf8)
    return text.map { String($0.prefix { !$0.isNewline }) } ?? ""
  }

  /// False: it could not be written, with errno set.
  @discardableResult
  func write(in runDirectory: String) -> Bool {
    guard let data = try? JSONEncoder().encode(self) else { return false }
    let path = Self.path(in: runDirectory)
    let new = "\(path).new"
    let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return false }
    let isWhole = data.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let count = Glibc.write(file, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
      return true
    }
    close(file)
    // The kernel outlives us, so nothing needs to reach a disk: after a reboot the file means nothing.
    return isWhole && rename(new, path) == 0
  }

  static func remove(in runDirectory: String) {
    unlink(path(in: runDirectory))
    unlink(path(in: runDirectory) + ".new")
  }
}
