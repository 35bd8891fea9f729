import Pool
import Seeded

@testable import Advice

/// Workers whose memory is known: a warm-up that levels off, a leak, and what blurs it. Sizes in MiB.
struct Herd {
  static let mib = 0x1p20

  var slots = 4
  /// Of each life.
  var hours = 4.0
  var lives = 6
  var base = 80.0
  var warmUp = 40.0
  /// Minutes in which two thirds of the warm-up are done.
  var warmUpMinutes = 4.0
  /// An hour, and a request.
  var leak = 0.0
  var leakPerRequest = 0.0
  var requestsPerHour = 600.0
  /// Requests differ by up to this share from life to life.
  var unevenness = 0.0
  var noise = 1.0
  /// A garbage collector's: up to so much, every so many minutes.
  var sawtooth = (height: 0.0, minutes: 20.0)
  /// One large catalog, somewhere in each life.
  var step = 0.0
  var stepSeconds = 60.0
  var reason = RecycleReason.timer
  var gap: Double? = 0
  /// Requests that each worker is at, on the average, and how many it can be at.
  var busy = 1.0
  var concurrency: Int?
  var seed: UInt64 = 1

  var evidence: Evidence {
    var random = SeededGenerator(seed: seed)
    var lives: [Evidence.Life] = []
    var ends: [Evidence.End] = []
    for slot in 0..<slots {
      var born = 1_000_000.0
      for generation in 1...self.lives {
        lives.append(life(slot, generation, born, &random))
        born += hours * 3600
        ends.append(
          .init(
            slot: slot, generation: generation, at: born, reason: reason, ageSeconds: hours * 3600, gapSeconds: gap))
      }
    }
    return Evidence(
      pool: .masters, lives: lives, ends: ends,
      settings: .init(
        workers: slots, concurrency: concurrency, everySeconds: hours * 3600, memoryLimit: 1024 * Self.mib),
      machine: .init(cores: 8, bytes: 32 * 1024 * Self.mib))
  }

  private func life(
    _ slot: Int, _ generation: Int, _ born: Double, _ random: inout SeededGenerator
  ) -> Evidence.Life {
    let rate = requestsPerHour * (1 + unevenness * Double.random(in: -1...1, using: &random))
    let jump = Double.random(in: 0.3...0.7, using: &random) * hours
    let points = stride(from: stepSeconds, to: hours * 3600, by: stepSeconds).map { seconds in
      let age = seconds / 3600
      let requests = (rate * age).rounded()
      // The sum of several is about normal, with `noise` as its deviation.
      let blur = (0..<6).reduce(0.0) { sum, _ in sum + Double.random(in: -1...1, using: &random) } / 1.41
      let tooth = (seconds / 60).truncatingRemainder(dividingBy: sawtooth.minutes) / sawtooth.minutes
      let warm = warmUp * (1 - Self.decay(seconds / 60 / warmUpMinutes))
      let held =
        base + warm + leak * age + leakPerRequest * requests + noise * blur + sawtooth.height * tooth
        + (age > jump ? step : 0)
      return Evidence.Point(at: born + seconds, bytes: held * Self.mib, requests: Int(requests), inFlight: busy)
    }
    return .init(slot: slot, generation: generation, points: points)
  }

  /// e to the power of minus x, nearly.
  private static func decay(_ x: Double) -> Double {
    guard x < 30 else { return 0 }
    var value = 1 - x / 1024
    for _ in 0..<10 { value *= value }
    return value
  }
}

extension PoolName {
  static var masters: PoolName { PoolName(rawValue: "masters") ?? { preconditionFailure("a plain name") }() }
}
