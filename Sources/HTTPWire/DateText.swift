/// A moment as HTTP writes it, kept to be written often.
public struct DateText: BitwiseCopyable, Sendable {
  private let text: InlineArray<29, UInt8>

  public init(unixSeconds: Int) {
    text = InlineArray(initializingWith: { out in HTTPDate.append(unixSeconds, into: &out) })
  }

  public var span: Span<UInt8> {
    @_lifetime(borrow self) borrowing get { text.span }
  }
}
