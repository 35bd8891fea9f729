import CLinux
import Glibc

/// A regular file, open for reading: a plain value, whose holder closes it once. Another file renamed into its place
/// does not touch it.
public struct OpenFile: BitwiseCopyable, Hashable, Sendable {
  public let descriptor: Int32
  public let size: Int
  /// Nanoseconds since 1970.
  public let modified: Int64
  /// When its inode changed, which nobody can set back.
  public let changed: Int64
  public let inode: UInt64
  public let device: UInt64

  /// What `path` names beneath the folder, wherever links and dots lead; nil where that is no regular file, is not
  /// there, may not be read or lies outside.
  public init?(_ path: String, beneath folder: String) {
    let directory = clinux_open_folder(folder)
    guard directory >= 0 else { return nil }
    defer { Glibc.close(directory) }
    self.init(path, beneath: directory)
  }

  /// The same for a folder that is open.
  public init?(_ path: String, beneath directory: Int32) {
    let descriptor = clinux_open_beneath(directory, path)
    guard descriptor >= 0 else { return nil }
    guard let file = OpenFile(descriptor: descriptor) else {
      Glibc.close(descriptor)
      return nil
    }
    self = file
  }

  private init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= 0 else { return nil }
    self.descriptor = descriptor
    size = Int(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
  }

  /// False: it has been written to since it was opened, or made longer or shorter. A new name or owner does not count.
  public var isUnchanged: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && Int(status.st_size) == size
      && Self.nanoseconds(status.st_mtim) == modified
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
  }

  public func close() { _ = Glibc.close(descriptor) }
}
