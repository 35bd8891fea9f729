import CManual

/// The pages that came with the program, in the order in which they are to be read.
public enum Manual {
  public static let topics: [Topic] = (0..<cmanual_topic_count()).compactMap { index in
    guard let page = cmanual_topic_at(index)?.pointee else { return nil }
    let bytes = UnsafeBufferPointer(start: page.bytes, count: page.count)
    return Topic(name: String(cString: page.name), text: String(decoding: bytes, as: UTF8.self))
  }

  public static func topic(_ name: String) -> Topic? { topics.first { $0.name == name } }

  /// What `masterpool help topics` prints.
  public static var contents: String {
    let width = topics.map(\.name.count).max() ?? 0
    let rows = topics.map { topic in
      "  masterpool help \(topic.name)\(String(repeating: " ", count: width - topic.name.count))  \(topic.summary)"
    }
    return (["Pages of the manual:", ""] + rows).joined(separator: "\n")
  }
}
