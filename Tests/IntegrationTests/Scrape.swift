import Foundation
import TestSupport

/// One look at `/metrics`, taken apart.
struct Scrape {
  let text: String
  /// By series as written: `name{label="value"}`.
  let samples: [String: Double]

  init(at control: String, accept: String = "text/plain") async throws {
    let response = try await request(
      "GET", "/metrics", headers: [("Accept", accept)], at: .unix(control))
    guard response.status == 200 else { throw HarnessFailure("metrics: \(response.status) \(response.text)") }
    self.init(response.text)
  }

  init(_ text: String) {
    self.text = text
    samples = text.split(separator: "\n").reduce(into: [:]) { samples, line in
      guard !line.hasPrefix("#"), let end = line.lastIndex(of: " ") else { return }
      samples[String(line[..<end])] = Double(line[line.index(after: end)...])
    }
  }

  /// Without labels.
  var names: Set<String> { Set(samples.keys.map { String($0.prefix { $0 != "{" }) }) }

  /// Of all series of that name that have all these labels, each as `name="value"`; nil: there is none.
  func sum(_ name: String, _ labels: String...) -> Double? {
    let found = samples.filter { series, _ in
      series.prefix { $0 != "{" } == name && labels.allSatisfy(series.contains)
    }
    return found.isEmpty ? nil : found.values.reduce(0, +)
  }
}
