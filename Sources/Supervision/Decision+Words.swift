import Pool

extension Decision {
  /// One sentence for a person.
  var sentence: String {
    let recycle = "\(worker) recycle for \(reason.rawValue)"
    switch verdict {
    case .successorFirst: return "\(recycle)\(measured): its successor starts beside it"
    case .oldFirst: return "\(recycle)\(measured): it goes first, its successor starts then"
    case .waits(let hindrance): return "\(recycle) waits: \(hindrance)"
    }
  }

  private var measured: String {
    guard let (measured, limit) = measurement?.words else { return "" }
    return ", \(measured)\(limit.map { " of \($0)" } ?? "")"
  }
}
