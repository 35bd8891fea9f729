import Files
import Glibc
import Pool
import TestSupport
import Testing

@testable import Proxying

@Suite struct ClerkTests {
  @Test func answersGoToTheLoopThatAsked() async throws {
    let doors = [try LoopDoor(), try LoopDoor()]
    let clerks = FileClerks(threads: 2, queue: 100, doors: doors)
    defer { clerks.close() }
    for number in 0..<20 {
      let taken = clerks.take(job(number), for: ticket(loop: UInt16(number % 2), number: UInt32(number)))
      #expect(taken)
    }
    for loop in 0...1 {
      let answers = try await Self.answers(10, at: doors[loop])
      let (numbers, bytes) = (answers.map(\.number), answers.map(\.bytes))
      #expect(numbers.sorted() == Array(stride(from: UInt32(loop), to: 20, by: 2)))
      let expected: [[UInt8]?] = numbers.map { [UInt8($0)] }
      #expect(bytes == expected)
    }
  }

  @Test func moreThanTheQueueIsRefused() async throws {
    let door = try LoopDoor()
    let clerks = FileClerks(threads: 1, queue: 2, doors: [door])
    defer { clerks.close() }
    let (begun, goOn) = (Gate(), Gate())
    let blocking = FileJob {
      begun.open()
      try? goOn.pass()
      return .notOurs
    }
    let first = clerks.take(blocking, for: ticket(number: 0))
    try await onThread { try begun.pass() }
    let others = (1...3).map { clerks.take(job($0), for: ticket(number: UInt32($0))) }
    goOn.open()
    #expect(first)
    #expect(others == [true, true, false])
    // In their order.
    let answers = try await Self.answers(3, at: door)
    #expect(answers.map(\.number) == [0, 1, 2])
    #expect(answers.map(\.bytes) == [nil, [1], [2]])
  }

  @Test func closedTheyTakeNothing() async throws {
    let clerks = FileClerks(threads: 1, queue: 10, doors: [try LoopDoor()])
    clerks.close()
    let taken = clerks.take(job(1), for: ticket(number: 1))
    #expect(!taken)
  }

  private func job(_ number: Int) -> FileJob {
    FileJob { .body(ReadyBody([UInt8(number)], contentType: "text/plain")) }
  }

  private func ticket(loop: UInt16 = 0, number: UInt32) -> LookTicket {
    LookTicket(ticket: Ticket(loop: loop, index: 0, serial: 1), number: number)
  }

  private static func answers(
    _ count: Int, at door: LoopDoor
  ) async throws -> [(number: UInt32, bytes: [UInt8]?)] {
    try await onThread {
      var answers: [(number: UInt32, bytes: [UInt8]?)] = []
      let deadline = Deadline.patient
      while answers.count < count {
        if deadline.passed { throw TimedOut("\(count) answers") }
        var bell = pollfd(fd: door.bell, events: Int16(POLLIN), revents: 0)
        poll(&bell, 1, 100)
        for case .looked(let ticket, let outcome) in door.collect() {
          if case .body(let body) = outcome { answers.append((ticket.number, body.bytes)) }
          if case .notOurs = outcome { answers.append((ticket.number, nil)) }
        }
      }
      return answers
    }
  }
}
