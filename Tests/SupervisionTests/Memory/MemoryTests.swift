import Glibc
import Pool
import Testing

@testable import Supervision

@Suite struct MemoryTests {
  static let rollup = """
    562ea7710000-7ffce59c6000 ---p 00000000 00:00 0                          [rollup]
    Rss:                1768 kB
    Pss:                 372 kB
    Pss_Dirty:           116 kB
    Pss_Anon:            999 kB
    Private_Clean:        12 kB
    Private_Dirty:       100 kB
    Swap:                 50 kB
    SwapPss:              40 kB
    Locked:                0 kB

    """

  @Test(arguments: [
    (rollup, 372, 40),
    ("Pss: 1 kB\nSwap: 7 kB\n", 1, 7),
    ("Pss:\t 1 kB\n", nil, 0),
    ("Pss: 5 kB", 5, 0),
    ("Pss: 18446744073709551616 kB\n", nil, 0),
    ("Pss: -3 kB\n", nil, 0),
    ("Rss: 5 kB\n", nil, 0),
    ("", nil, 0),
  ])
  func sharesAreReadFromTheRollup(_ text: String, _ pss: Int?, _ swap: Int) {
    let sample = MemorySample(smapsRollup: Array(text.utf8))
    #expect(sample?.pss == pss.map(ByteCount.kibibytes))
    if let sample { #expect(sample.swap == .kibibytes(swap) && sample.processes == 1 && !sample.isEstimate) }
  }

  @Test(arguments: [(MemoryMeasure.pss, 412), (.uss, 152), (.rss, 1768)])
  func eachMeasureHasItsOwnSum(_ measure: MemoryMeasure, _ kibibytes: Int) {
    let sample = MemorySample(smapsRollup: Array(Self.rollup.utf8))
    #expect(sample?.value(measure) == .kibibytes(kibibytes))
    #expect((sample ?? MemorySample()) + MemorySample(uss: .kibibytes(1), rss: .kibibytes(2)) != sample)
  }

  @Test func hugeNumbersSaturate() {
    let sample = MemorySample(smapsRollup: Array("Pss: 9223372036854775807 kB\nSwap: 9223372036854775807 kB\n".utf8))
    #expect(sample?.total.bytes == .max)
  }

  @Test func theResidentSetIsAnEstimate() {
    let sample = MemorySample(statm: Array("1000 25 10 1 0 50 0\n".utf8), pageSize: 4096)
    let resident = ByteCount(bytes: 25 * 4096)
    let alone = ByteCount(bytes: 15 * 4096)
    #expect(sample == MemorySample(pss: resident, uss: alone, rss: resident, processes: 1, isEstimate: true))
    #expect(MemorySample(statm: Array("1000".utf8), pageSize: 4096) == nil)
  }

  @Test(arguments: [
    (100, 100, 0.0, true), (100, 101, 9.9, true), (100, 99, 0, true), (100, 102, 0, false), (100, 98, 0, false),
    (1000, 1015, 0, true), (1000, 1017, 0, false), (100, 100, 10, false), (0, 1, 0, true), (0, 2, 0, false),
  ])
  func aMeasurementHoldsUntilSomethingChanges(_ then: Int, _ now: Int, _ seconds: Double, _ holds: Bool) {
    let start = Instant(nanoseconds: 5)
    let known = KnownMemory(sample: MemorySample(), resident: .mebibytes(then), measured: start)
    #expect(known.holds(resident: .mebibytes(now), at: start + .seconds(seconds)) == holds)
  }

  @Test func growthIsSeenAtOnce() async throws {
    let line = try Lifeline()
    let child = try shell(
      "exec perl -e '$| = 1; print \"small\\n\"; open(F, \"<&=3\"); <F>; $x = \"a\" x 32000000; print \"large\\n\"; sleep 1000'",
      inherited: [InheritedDescriptor(descriptor: line.reading, as: 3)])
    var lines = child.output.makeAsyncIterator()
    let sampler = MemorySampler()
    #expect(await lines.next()?.text == "small")
    let small = try #require(await sampler.sample(groups: [child.pid])[child.pid])
    line.letGo()
    #expect(await lines.next()?.text == "large")
    let large = try #require(await sampler.sample(groups: [child.pid])[child.pid])
    // Shares of what both processes map may shrink a little in the meantime.
    #expect(large.total.bytes - small.total.bytes >= 30_000_000)
    child.signalGroup(SIGKILL)
    _ = await child.exit()
    child.killRemains()
  }

  @Test func aGroupIsMeasuredWithAllItsMembers() async throws {
    let held = 48 << 20
    let hold = "perl -e '$| = 1; $x = \"a\" x \(held); print \"held\\n\"; sleep 1000'"
    let child = try shell("\(hold) & \(hold) & wait")
    let small = try shell("echo held; exec sleep 1000")
    var lines = child.output.makeAsyncIterator()
    for _ in 0..<2 { #expect(await lines.next()?.text == "held") }
    var smallLines = small.output.makeAsyncIterator()
    #expect(await smallLines.next()?.text == "held")

    let samples = await MemorySampler().sample(groups: [child.pid, small.pid, Int32.max])
    let sample = try #require(samples[child.pid])
    #expect(sample.processes == 3)
    // What perl copied on the way may still be there.
    #expect((2 * held..<6 * held).contains(sample.total.bytes))
    #expect(try #require(samples[small.pid]).total < .mebibytes(16))
    #expect(samples[Int32.max] == nil)

    for process in [child, small] {
      process.signalGroup(SIGKILL)
      _ = await process.exit()
    }
    // Zombies hold nothing.
    #expect(await MemorySampler().sample(groups: [child.pid, small.pid]) == [:])
    child.killRemains()
    small.killRemains()
  }
}
