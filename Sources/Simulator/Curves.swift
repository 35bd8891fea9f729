/// Exponentials, logarithms and quantiles by plain arithmetic, so that a seed's life is the same on every machine.
enum Curves {
  private static let ln2 = 0.693_147_180_559_945_3

  static func exp(_ x: Double) -> Double {
    let bounded = min(max(x, -700), 700)
    let doublings = (bounded / ln2).rounded()
    let rest = bounded - doublings * ln2
    var (sum, term) = (1.0, 1.0)
    for n in 1...16 {
      term *= rest / Double(n)
      sum += term
    }
    return sum * Double(sign: .plus, exponent: Int(doublings), significand: 1)
  }

  /// Of what is above 0.
  static func log(_ x: Double) -> Double {
    var (exponent, part) = (Double(x.exponent), x.significand)
    if part > 1.414_213_562_373_095_1 {
      part /= 2
      exponent += 1
    }
    let ratio = (part - 1) / (part + 1)
    var (sum, power) = (0.0, ratio)
    for n in stride(from: 1, through: 25, by: 2) {
      sum += power / Double(n)
      power *= ratio * ratio
    }
    return 2 * sum + exponent * ln2
  }

  /// Of the normal distribution (P. J. Acklam's approximation, 1e-9 off at most).
  static func normalQuantile(_ share: Double) -> Double {
    let low = 0.02425
    if share < low { return tail((-2 * log(share)).squareRoot()) }
    if share > 1 - low { return -tail((-2 * log(1 - share)).squareRoot()) }
    let (x, square) = (share - 0.5, (share - 0.5) * (share - 0.5))
    let above = polynomial(
      square,
      [
        -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02,
        -3.066479806614716e+01, 2.506628277459239e+00,
      ])
    let below = polynomial(
      square,
      [
        -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
        -1.328068155288572e+01, 1,
      ])
    return x * above / below
  }

  private static func tail(_ q: Double) -> Double {
    let above = polynomial(
      q,
      [
        -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00,
        4.374664141464968e+00, 2.938163982698783e+00,
      ])
    let below = polynomial(
      q,
      [
        7.784695709041432e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1,
      ])
    return above / below
  }

  /// The highest power's factor first.
  private static func polynomial(_ x: Double, _ factors: [Double]) -> Double {
    factors.reduce(0) { $0 * x + $1 }
  }
}
