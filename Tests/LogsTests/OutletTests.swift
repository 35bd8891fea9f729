import Foundation
import Glibc
import Pool
import TestSupport
import Testing

@testable import Logs

/// Lines on their way: to a pipe that may be full, and to a journal that may not be there.
@Suite struct OutletTests {
  @Test func theJournalGetsEachMessageAsADatagram() async throws {
    try await withTemporaryDirectory { directory in
      let journal = try FakeJournal(path: "\(directory)/socket")
      let pipe = try LogPipe()
      let pump = pipe.pump(LogPolicy(format: .journald, socket: journal.path))
      pump.take(RenderingTests.record("it runs\nwell", ["pool": "masters"]))
      let message = try await onThread { try journal.next() }
      #expect(
        message.starts(with: Array("MESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0] + Array("it runs\nwell\n".utf8)))
      #expect(String(decoding: message, as: UTF8.self).hasSuffix("\nMASTERPOOL_POOL=masters\n"))
    }
  }

  /// Beyond what a datagram takes.
  @Test func aLongMessageGoesAsASealedFile() async throws {
    try await withTemporaryDirectory { directory in
      let journal = try FakeJournal(path: "\(directory)/socket")
      let pipe = try LogPipe()
      let pump = pipe.pump(LogPolicy(format: .journald, maxLine: .mebibytes(1), socket: journal.path))
      let text = String(repeating: "a", count: 600_000)
      pump.take(RenderingTests.record(text))
      let message = try await onThread { try journal.next() }
      #expect(message.count > 600_000 && message.starts(with: Array("MESSAGE=aaa".utf8)))
    }
  }

  @Test func withoutAJournalItIsTextThatAServiceManagerReads() async throws {
    try await withTemporaryDirectory { directory in
      let pipe = try LogPipe()
      let pump = pipe.pump(LogPolicy(format: .journald, socket: "\(directory)/none"))
      pump.take(RenderingTests.record("it runs", [:], .warning))
      #expect(try pipe.read() == "<4>warning it runs\n")
      // One that comes is found, and one that was started anew.
      for life in 1...2 {
        let journal = try FakeJournal(path: "\(directory)/none")
        pump.take(RenderingTests.record("life \(life)"))
        let message = try await onThread { try journal.next() }
        #expect(message.starts(with: Array("MESSAGE=life \(life)\n".utf8)))
        journal.end()
      }
    }
  }

  /// Whoever speaks goes on; what the reader then gets are whole lines, and how many are missing.
  @Test func aReaderThatStopsHoldsNobodyUp() async throws {
    let pipe = try LogPipe()
    let pump = pipe.pump(LogPolicy(format: .json, buffer: .kibibytes(64)))
    let count = 4000
    for number in 0..<count { pump.take(RenderingTests.record("\(number) " + String(repeating: "x", count: 200))) }
    let (whole, lost) = try await onThread { try pipe.readAll(count) }
    #expect(lost > 1000 && whole + lost == count, "\(whole) lines, \(lost) lost")
  }

  @Test(arguments: [(nil, false), ("1:2", false), ("", false), ("itself", true)] as [(String?, Bool)])
  func standardErrorLeadsToTheJournalWhereBothNumbersFit(stream: String?, isJournal: Bool) throws {
    let pipe = try LogPipe()
    var facts = stat()
    fstat(pipe.input, &facts)
    let told = stream == "itself" ? "\(facts.st_dev):\(facts.st_ino)" : stream
    #expect(LogOutlet(descriptor: pipe.input, journalStream: told).isJournal == isJournal)
  }

  @Test func aPolicyHoldsFromTheNextMessageOn() throws {
    let pipe = try LogPipe()
    let center = LogCenter(
      LogPolicy(format: .text), outlet: LogOutlet(descriptor: pipe.input, journalStream: nil))
    var logger = center.handler(label: "proxy")
    #expect(logger.logLevel == .info)
    center.change(to: LogPolicy(format: .json, levels: [.proxy: .debug]))
    #expect(logger.logLevel == .debug)
    logger.logLevel = .error
    #expect(logger.logLevel == .error)
    center.say(.error, "it\nfell", ["pid": "7"], from: .proxy)
    #expect(try pipe.read().hasSuffix(#","level":"error","label":"proxy","message":"it\nfell","pid":7}"# + "\n"))
  }
}
