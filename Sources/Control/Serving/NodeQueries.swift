import Pool

extension NodeQuery {
  init(_ request: ControlRequest) throws(ControlRefusal) {
    let query = try QueryReader(request, ["name", "overdue_seconds", "sort", "limit"])
    self.init(
      name: query.text("name"),
      silentFor: try query.number("overdue_seconds", 0...ControlLimit.longestSilence).map { .seconds($0) },
      sort: try query.word("sort", Sort.self) ?? .name,
      limit: try query.number("limit", 0...ControlLimit.nodes) ?? ControlLimit.defaultNodes)
  }
}
