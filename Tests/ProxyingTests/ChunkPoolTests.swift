import Testing

@testable import Proxying

/// What a crowd needed goes back to the system; what is in use all the time stays.
@Suite struct ChunkPoolTests {
  @Test func whatNobodyNeededSinceTheLastTrimIsGivenBack() {
    var pool = ChunkPool(capacity: 4096)
    var crowd = (0..<5).map { _ in pool.take() }
    for index in crowd.indices { pool.giveBack(&crowd[index]) }
    let absent = crowd.allSatisfy(\.isAbsent)
    #expect(absent && pool.idleCount == 5 && pool.wasUsed)

    // All five were in use a moment ago.
    pool.trim()
    #expect(pool.idleCount == 5 && !pool.wasUsed)

    var (one, other) = (pool.take(), pool.take())
    pool.giveBack(&one)
    pool.giveBack(&other)
    pool.trim()
    #expect(pool.idleCount == 2, "two were needed")

    pool.trim()
    #expect(pool.idleCount == 0)
    pool.trim()
    #expect(pool.idleCount == 0)
  }

  @Test func whatIsInUseIsNobodysSpare() {
    var pool = ChunkPool(capacity: 4096)
    var (first, second) = (pool.take(), pool.take())
    pool.giveBack(&first)
    pool.trim()
    pool.trim()
    #expect(pool.idleCount == 0)
    pool.giveBack(&second)
    #expect(pool.idleCount == 1)
  }
}
