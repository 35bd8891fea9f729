import Glibc

/// libFuzzer's door: each input goes to the target that `MASTERPOOL_FUZZ_TARGET` names, so that one build serves all.
/// `scripts/fuzz` builds and runs it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ base: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  target(Array(UnsafeBufferPointer(start: base, count: count)))
  return 0
}

private let target: @Sendable ([UInt8]) -> Void = {
  let name = getenv("MASTERPOOL_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  switch name {
  case "request": return fuzzRequest
  case "response": return fuzzResponse
  case "chunks": return fuzzChunks
  case "path": return fuzzPath
  case "proxy-header": return fuzzProxyHeader
  case "settings": return fuzzSettings
  default: broken("MASTERPOOL_FUZZ_TARGET is \(name): no such target")
  }
}()

/// A property that does not hold ends the run as a crash would: libFuzzer then keeps the input.
func hold(_ property: Bool, _ what: @autoclosure () -> String) {
  if !property { broken(what()) }
}

func broken(_ what: String) -> Never {
  let line = Array("fuzz: \(what)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
  abort()
}
