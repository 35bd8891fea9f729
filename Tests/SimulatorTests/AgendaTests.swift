import Pool
import Testing

@testable import Simulator

@Suite struct AgendaTests {
  /// Times from nanoseconds to weeks apart, some of them equal, some noted while others happen.
  @Test(arguments: 0..<20 as Range<UInt64>) func everythingHappensInTheOrderOfItsTime(seed: UInt64) {
    var chance = SeededGenerator(seed: seed)
    var agenda = Agenda<Int>()
    var due: [(at: Int64, number: Int)] = []
    var happened: [(at: Int64, number: Int)] = []
    func note() {
      let reach = Int64(1) << Int64.random(in: 0...52, using: &chance)
      let at = agenda.now.nanoseconds + Int64.random(in: 0...reach, using: &chance) / 1000 * 1000
      due.append((at, due.count))
      agenda.add(due.count - 1, at: Instant(nanoseconds: at))
    }
    for _ in 0..<300 { note() }
    while let number = agenda.next() {
      happened.append((agenda.now.nanoseconds, number))
      if due.count < 1000, number % 3 > 0 { note() }
    }
    let expected = due.sorted { ($0.at, $0.number) < ($1.at, $1.number) }
    #expect(happened.map(\.number) == expected.map(\.number))
    #expect(happened.map(\.at) == expected.map(\.at))
  }

  @Test func theClockStandsStillBeforeWhatIsTooLate() {
    var agenda = Agenda<String>()
    agenda.add("late", after: .seconds(100))
    agenda.add("soon", after: .seconds(1))
    #expect(agenda.next(until: 50_000_000_000) == "soon")
    #expect(agenda.next(until: 50_000_000_000) == nil)
    #expect(agenda.now == Instant(nanoseconds: 1_000_000_000))
    agenda.add("between", after: .seconds(59))
    #expect(agenda.next() == "between")
    #expect(agenda.next() == "late")
    #expect(agenda.next() == nil)
  }

  @Test func whatWasDueBeforeHappensNow() {
    var agenda = Agenda<Int>(now: Instant(nanoseconds: 5))
    agenda.add(1, at: Instant(nanoseconds: 2))
    agenda.add(2, at: Instant(nanoseconds: .max))
    #expect(agenda.next() == 1)
    #expect(agenda.now == Instant(nanoseconds: 5))
    #expect(agenda.next() == 2)
  }
}
