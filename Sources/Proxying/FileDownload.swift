import CLinux
import Files
import Glibc
import HTTPWire

/// An answer that comes from disk or memory instead of a worker.
struct FileDownload: BitwiseCopyable {
  enum Source: BitwiseCopyable {
    case none
    /// Open, and ours to close.
    case disk(OpenFile)
    /// Held, and ours to let go.
    case memory(Unmanaged<ReadyBody>)
  }

  private(set) var source = Source.none
  /// Where the next byte is, and how many are to come.
  var offset = 0
  var left = 0
  /// Of the look that is under way.
  var number: UInt32 = 0

  mutating func begin(_ file: OpenFile, from start: Int, count: Int) {
    source = .disk(file)
    offset = start
    left = count
  }

  mutating func begin(_ body: ReadyBody, count: Int) {
    source = .memory(.passRetained(body))
    offset = 0
    left = count
  }

  mutating func moved(_ count: Int) {
    offset += count
    left -= count
  }

  mutating func end() {
    switch source {
    case .none: return
    case .disk(let file): file.close()
    case .memory(let body): body.release()
    }
    source = .none
    offset = 0
    left = 0
  }
}

extension OpenFile {
  var stamp: FileStamp { FileStamp(size: size, modified: modified, changed: changed, inode: inode) }

  func read(into room: UnsafeMutableBufferPointer<UInt8>, at offset: Int) -> Transfer {
    while true {
      let count = pread(descriptor, room.baseAddress, room.count, offset)
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      if errno != EINTR { return .failed(errno) }
    }
  }

  /// Straight from the system's cache to the socket.
  func send(to socket: Int32, at offset: Int, upTo limit: Int) -> Transfer {
    while true {
      let count = clinux_send_file(socket, descriptor, off_t(offset), limit)
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .later
      default: return .failed(errno)
      }
    }
  }
}
