import Foundation
import Seeded
import TestSupport

/// A client that asks as a node's runs do: some files, a page, a catalog, a report, over one connection or over many;
/// then it rests for a moment and begins again.
struct Agent {
  enum Manner: CaseIterable {
    /// One connection a run.
    case keeps
    /// One connection a request.
    case opens
  }

  let door: Door
  let manner: Manner
  let book: Book
  let isOver: @Sendable () -> Bool
  private var chance: SeededGenerator
  /// Under a second.
  private static let longestPause = Duration.milliseconds(40)
  private static let longestReturn = Duration.milliseconds(500)

  init(_ door: Door, _ manner: Manner, seed: UInt64, book: Book, isOver: @escaping @Sendable () -> Bool) {
    self.door = door
    self.manner = manner
    self.book = book
    self.isOver = isOver
    chance = SeededGenerator(seed: seed)
  }

  /// Blocks its thread until it is over.
  mutating func live() {
    while !isOver() {
      var wanted = errands()[...]
      while !wanted.isEmpty, !isOver() { runConnection(&wanted) }
    }
  }

  /// What a run asks for: kinds, answers' or bodies' sizes and how long the master takes.
  private mutating func errands() -> [(kind: Entry.Kind, bytes: Int, milliseconds: Int)] {
    var run: [(Entry.Kind, Int, Int)] = (0..<Int.random(in: 2...8, using: &chance)).map { _ in
      (.file, Int.random(in: 0...20_000, using: &chance), Int.random(in: 0...3, using: &chance))
    }
    run.append((.page, Int.random(in: 0...2000, using: &chance), Int.random(in: 0...20, using: &chance)))
    run.append((.catalog, Int.random(in: 100...40_000, using: &chance), Int.random(in: 10...60, using: &chance)))
    run.append((.report, Int.random(in: 100...60_000, using: &chance), Int.random(in: 0...20, using: &chance)))
    if Int.random(in: 0..<10, using: &chance) == 0 { run.append((.upload, 1_500_000, 5)) }
    return run
  }

  /// Takes those errands that were done or lost; the others need another connection.
  private mutating func runConnection(
    _ wanted: inout ArraySlice<(kind: Entry.Kind, bytes: Int, milliseconds: Int)>
  ) {
    guard let first = wanted.popFirst() else { return }
    let deadline = Deadline.after(Door.patience)
    let entry = book.begin(first.kind)
    do throws(WireFailure) {
      let wire = try Wire(to: door.address, tls: door.tls, before: deadline)
      var reader = ResponseReader()
      var errand = errand(entry, first.bytes, first.milliseconds)
      while perform(errand, on: wire, &reader), !isOver() {
        pause(upTo: Self.longestPause)
        // A connection that was closed meanwhile takes no request, as any client sees that looks before it asks.
        guard manner == .keeps, !wire.hasNews, let next = wanted.popFirst() else { return }
        var kept = book.begin(next.kind)
        kept.opened = entry.opened
        kept.isKept = true
        errand = self.errand(kept, next.bytes, next.milliseconds)
      }
    } catch {
      book.end(entry, Errand.outcome(of: error))
      // Many refusals a second tell no more than a few.
      pause(upTo: Self.longestReturn)
    }
  }

  private func errand(_ entry: Entry, _ bytes: Int, _ milliseconds: Int) -> Errand {
    Errand(entry, bytes: bytes, orders: "&ms=\(milliseconds)", headers: door.headers)
  }

  /// False where the connection is of no more use.
  private mutating func perform(_ errand: Errand, on wire: borrowing Wire, _ reader: inout ResponseReader) -> Bool {
    do throws(ExchangeFailure) {
      let response = try errand.exchange(on: wire, &reader)
      book.end(errand.entry, errand.outcome(of: response))
      if response.status == 503 { pause(upTo: Self.longestReturn) }
      return !response.saysClose
    } catch {
      book.end(errand.entry, Errand.outcome(of: error, onKept: errand.entry.isKept))
      return false
    }
  }

  private mutating func pause(upTo longest: Duration) {
    usleep(UInt32.random(in: 0...longest.inMicroseconds, using: &chance))
  }
}

extension Errand {
  func exchange(on wire: borrowing Wire, _ reader: inout ResponseReader) throws(ExchangeFailure) -> HTTPResponse {
    let deadline = Deadline.after(Door.patience)
    do throws(WireFailure) {
      try wire.send(
        requestBytes(request.method, request.target, headers: request.headers, body: request.body), before: deadline)
    } catch {
      throw error == .timedOut ? .timedOut : .unanswered(error)
    }
    return try reader.next(from: wire, to: request.method, before: deadline)
  }
}
