/// Keys from the bytes that a terminal sends, as xterm and its kin do.
public enum KeyReader {
  /// Sequences of unknown keys are left out whole.
  public static func keys(in bytes: [UInt8]) -> [TopModel.Key] {
    var keys: [TopModel.Key] = []
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      switch byte {
      case 0x03: keys.append(.interrupt)
      case 0x0A, 0x0D: keys.append(.enter)
      case 0x1B:
        guard let lead = rest.first, lead == UInt8(ascii: "[") || lead == UInt8(ascii: "O") else {
          keys.append(.escape)
          continue
        }
        rest = rest.dropFirst()
        while let next = rest.first, next < 0x40 { rest = rest.dropFirst() }
        switch rest.popFirst() {
        case UInt8(ascii: "A"): keys.append(.up)
        case UInt8(ascii: "B"): keys.append(.down)
        case UInt8(ascii: "C"): keys.append(.right)
        case UInt8(ascii: "D"): keys.append(.left)
        case _: break
        }
      case 0x20..<0x7F: keys.append(.letter(Character(UnicodeScalar(byte))))
      case _: break
      }
    }
    return keys
  }
}
