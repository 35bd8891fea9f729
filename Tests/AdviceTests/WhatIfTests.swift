import Pool
import Testing

@testable import Advice

/// The ledger of known workers lived through again.
@Suite struct WhatIfTests {
  private func replay(_ herd: Herd, _ change: (inout Evidence.Settings) -> Void = { _ in }) throws -> WhatIfDocument {
    let evidence = herd.evidence
    var settings = evidence.settings
    change(&settings)
    return try #require(WhatIf(evidence)).replay(under: settings)
  }

  private func count(_ document: WhatIfDocument, _ reason: RecycleReason) -> Double {
    document.restartsPerDay.first { $0.reason == reason }?.count ?? 0
  }

  @Test func theSameSettingsAreTheSameRestarts() throws {
    // Four slots, a life of two hours each: 48 a day.
    let same = try replay(Herd(hours: 2, lives: 12, leak: 20))
    #expect(abs(count(same, .timer) - 48) < 3, "\(same)")
    #expect(same.restartsPerDay.count == 1)
  }

  /// A day of the ledger, and lives of two: half a restart of each slot a day.
  @Test func lifeMayBeLongerThanTheLedger() throws {
    let longest = try replay(Herd(hours: 2, lives: 12, leak: 10)) { $0.everySeconds = 48 * 3600 }
    #expect(abs(count(longest, .timer) - 2) < 0.2, "\(longest)")
    let capped = try replay(Herd(hours: 2, lives: 12, leak: 10)) {
      $0.everySeconds = nil
      $0.memory = (120 + 10 * 48) * Herd.mib
    }
    #expect(abs(count(capped, .memory) - 2) < 0.2, "\(capped)")
  }

  @Test func aLongerLifeIsALargerWorker() throws {
    let longer = try replay(Herd(hours: 2, lives: 12, leak: 50)) { $0.everySeconds = 8 * 3600 }
    #expect(abs(count(longer, .timer) - 12) < 1.5, "\(longer)")
    // 120 MiB warm, and 50 an hour for eight.
    #expect(abs(Double(longer.workerPeakBytes) / Herd.mib - 520) < 40, "\(longer.workerPeakBytes >> 20) MiB")
    #expect(longer.worstPeakBytes >= longer.workerPeakBytes)
    #expect(abs(Double(longer.poolPeakBytes) / Double(longer.workerPeakBytes) - 4) < 0.2)
  }

  @Test func memoryEndsThemBeforeTheTimerDoes() throws {
    let capped = try replay(Herd(hours: 2, lives: 12, leak: 50)) {
      $0.everySeconds = 24 * 3600
      $0.memory = 220 * Herd.mib
    }
    // A hundred MiB of room: every two hours.
    #expect(abs(count(capped, .memory) - 48) < 8 && count(capped, .timer) == 0, "\(capped)")
  }

  @Test func requestsEndThem() throws {
    let counted = try replay(Herd(hours: 2, lives: 12, leakPerRequest: 0.1, unevenness: 0.5)) {
      $0.everySeconds = nil
      $0.requests = 600
    }
    #expect(counted.isByRequest)
    #expect(abs(count(counted, .requests) - 96) < 10, "\(counted)")
  }

  @Test func crashesComeWhenTheyCame() throws {
    let crashes = try replay(Herd(leak: 20, reason: .crash, gap: 3)) { $0.everySeconds = nil }
    #expect(abs(count(crashes, .crash) - 24) < 5, "\(crashes)")
    let found = crashes.restartsPerDay.first { $0.reason == .crash }
    let crash = try #require(found)
    #expect(abs(crash.capacitySeconds - 3 * crash.count) < 0.1)
  }
}
