import Pool
import Seeded

func second(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

/// A condition or an occurrence of a pool, of a slot, or of the host.
func notice(_ kind: NoticeKind, _ subject: String, severity: Severity? = nil) -> Notice {
  let isOfHost = [.history, .proxyDown, .proxyCrash, .nodesOverdue, .certificateExpiry].contains(kind)
  return Notice(
    kind, severity: severity, subject: subject,
    pool: isOfHost ? nil : SlotID(subject)?.pool ?? PoolName(rawValue: subject), slot: SlotID(subject)?.index,
    summary: "\(kind.rawValue) of \(subject)")
}

func hook(_ name: String, _ change: (inout NoticeReceiver) -> Void = { _ in }) -> NoticeReceiver {
  var receiver = NoticeReceiver(name: name, url: .text("https://example.com/"))
  change(&receiver)
  return receiver
}

func policy(_ receivers: [NoticeReceiver], _ change: (inout NoticePolicy) -> Void = { _ in }) -> NoticePolicy {
  var policy = NoticePolicy(receivers: receivers)
  policy.lasting = .zero
  change(&policy)
  return policy
}

/// What happens in a test, and when: at each second all conditions that hold, or something that occurs.
enum Happening: Sendable {
  case holds([Notice])
  case occurs(Notice)
}

/// Lives through the happenings second by second and writes down each message: `12 ops firing back_off masters/0`.
func told(_ policy: NoticePolicy, _ happenings: [(Double, Happening)], until end: Double) -> [String] {
  var book = NoticeBook(policy: policy)
  var conditions: [Notice] = []
  var rest = happenings[...]
  var lines: [String] = []
  var now = 0.0
  while now <= end {
    while let (time, happening) = rest.first, time <= now {
      rest = rest.dropFirst()
      switch happening {
      case .holds(let all): conditions = all
      case .occurs(let notice): book.note(notice, at: second(now))
      }
    }
    book.observe(conditions, at: second(now))
    lines += book.flush(at: second(now)).map { "\(Int(now)) \($0.words)" }
    now += 1
  }
  return lines
}

extension NoticeMessage {
  var words: String {
    let alerts = alerts.map { "\($0.status.rawValue) \($0.notice.kind.rawValue) \($0.notice.subject)" }
    return "\(receiver): " + (alerts + (more > 0 ? ["\(more) more"] : [])).joined(separator: ", ")
  }
}
