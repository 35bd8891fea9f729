import Pool

func clock(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

/// One request that is let in, and takes a second.
func asks(
  _ part: RunPart, _ seconds: Double, refused: Bool = false, _ status: RunStatus? = nil, worked: Double? = nil
) -> NodeRequest {
  NodeRequest(
    part, began: clock(seconds), ended: clock(seconds + 1), bytes: 100, isRefused: refused,
    worked: worked.map { .milliseconds(Int($0 * 1000)) }, status: status)
}

func note(_ node: String, _ requests: [NodeRequest]) -> NodeNote {
  var deeds = NodeDeeds(seen: requests.map(\.ended).min() ?? clock(0))
  for request in requests { deeds.add(request) }
  return NodeNote(node: node, deeds: deeds)
}

/// That it was there for something that is no part of a run.
func seen(_ node: String, _ seconds: Double) -> NodeNote { note(node, [asks(.other, seconds - 1)]) }

extension NodeBook {
  mutating func hear(_ notes: NodeNote..., at now: Double) { learn(NodeNews(notes: notes), at: clock(now)) }
  var names: [String] { records.map(\.record.name) }
  var overdueNames: [String] { records.filter(\.isOverdue).map(\.record.name) }
}
