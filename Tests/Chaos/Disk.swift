import Foundation
import Glibc
import TestSupport

/// A small file system in memory for the state directory, that can be filled. It takes root and the right to mount;
/// scripts/chaos runs the driver where it can in a mount namespace of its own, so that nothing is left of it.
enum Disk {
  static let size = 32 << 20

  /// False where it cannot be.
  static func mount(at folder: String) async -> Bool {
    guard geteuid() == 0 else { return false }
    let mounted = try? await run(
      "/usr/bin/mount", ["-t", "tmpfs", "-o", "size=\(size),mode=755", "masterpool-chaos", folder])
    return mounted?.status == .exited(0)
  }

  static func unmount(_ folder: String) async {
    _ = try? await run("/usr/bin/umount", ["-l", folder])
  }

  /// Takes all the room that there is. The file must be removed.
  static func fill(_ folder: String) -> String {
    let path = "\(folder)/ballast"
    let descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return path }
    defer { close(descriptor) }
    let block = [UInt8](repeating: 1, count: 64 << 10)
    while write(descriptor, block, block.count) > 0 {}
    while write(descriptor, block, 512) > 0 {}
    return path
  }
}
