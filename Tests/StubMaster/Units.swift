import ArgumentParser
import Glibc

/// A time such as `500ms`, `2s` or `2`, the last in milliseconds.
struct Milliseconds: ExpressibleByArgument, CustomStringConvertible {
  var count: Int

  init(_ count: Int) { self.count = count }

  init?(argument: String) {
    for (suffix, factor) in [("ms", 1), ("s", 1000), ("m", 60000), ("", 1)] where argument.hasSuffix(suffix) {
      guard let number = Int(argument.dropLast(suffix.count)), (0...1_000_000).contains(number) else { return nil }
      count = number * factor
      return
    }
    return nil
  }

  var description: String { "\(count)ms" }
}

/// A size such as `16KiB`, `2MiB` or `100`, the last in bytes.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
  static let largest = 8 << 30
  var count: Int

  init(_ count: Int) { self.count = count }

  init?(argument: String) {
    for (suffix, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0), ("", 0)] where argument.hasSuffix(suffix)
    {
      guard let number = Int(argument.dropLast(suffix.count)), (0...Self.largest >> shift).contains(number) else {
        return nil
      }
      count = number << shift
      return
    }
    return nil
  }

  var description: String { "\(count)B" }
}

func pause(for time: Milliseconds) {
  var wanted = timespec(tv_sec: time.count / 1000, tv_nsec: time.count % 1000 * 1_000_000)
  var left = timespec()
  while nanosleep(&wanted, &left) != 0 && errno == EINTR { wanted = left }
}

/// One line to standard output or error, at once.
func say(_ line: String, to descriptor: CInt) {
  let bytes = Array("\(line)\n".utf8)
  _ = write(descriptor, bytes, bytes.count)
}
