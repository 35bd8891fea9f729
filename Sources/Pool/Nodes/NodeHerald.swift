/// Makes few sentences of many nodes: the first of them is told at once, those that follow soon after it together.
public struct NodeHerald: Sendable {
  /// Between two sentences of one kind.
  public static let pause = Duration.seconds(60)
  /// So many are named.
  public static let named = 5

  private var names: [String] = []
  private var count = 0
  private var last: Instant?

  public init() {}

  public mutating func add(_ nodes: [String]) {
    count += nodes.count
    names += nodes.prefix(max(0, Self.named - names.count))
  }

  /// Who is to be told of now, and how many they are; nil: nobody, or not yet.
  public mutating func take(at now: Instant) -> (count: Int, who: String)? {
    guard count > 0, last.map({ now - $0 >= Self.pause }) ?? true else { return nil }
    defer { (names, count, last) = ([], 0, now) }
    let rest = count - names.count
    let listed = names.joined(separator: ", ")
    return (count, rest > 0 ? "\(listed) and \(rest) more" : listed)
  }
}
