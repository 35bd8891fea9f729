import FoundationEssentials
import Glibc
import Pool

/// The seed of nodes' numbers, kept in the run directory for a supervisor that comes after one that died: proxies that
/// outlive their supervisor go on with it. Nobody else may read it.
struct NodeSeedFile {
  private let path: String

  init(in directory: String) { path = directory + "/node-seed" }

  /// The one that is there, or a new one. Where it cannot be kept it serves this supervisor alone.
  func seed(using random: inout some RandomNumberGenerator) -> NodeSeed {
    if let seed = read() { return seed }
    let seed = NodeSeed(using: &random)
    write(seed)
    return seed
  }

  func remove() { unlink(path) }

  private func read() -> NodeSeed? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
      return nil
    }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? try? JSONDecoder().decode(NodeSeed.self, from: Data(buffer[..<count])) : nil
  }

  private func write(_ seed: NodeSeed) {
    guard let data = try? JSONEncoder().encode(seed) else { return }
    unlink(path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    _ = data.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}
