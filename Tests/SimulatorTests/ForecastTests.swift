import Foundation
import FoundationXML
import Pool
import Testing

@testable import Simulator

@Suite struct ForecastTests {
  private static func forecast(_ change: (inout Scenario) -> Void = { _ in }) -> Forecast {
    var scenario = Scenario()
    scenario.agents.count = 300
    scenario.length = .seconds(2 * 3600)
    scenario.pool.recycle.memory = .mebibytes(300)
    scenario.worker.growth.leak = Leak(perRequest: 0x1p20)
    change(&scenario)
    return Forecast(scenario, lived(scenario))
  }

  @Test func theJSONSaysWhatItSays() throws {
    let forecast = Self.forecast()
    let data = try JSONEncoder().encode(forecast)
    #expect(try JSONDecoder().decode(Forecast.self, from: data) == forecast)
    let keys = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for key in [
      "utilisation", "queue_seconds", "catalog_seconds", "sheds", "restarts", "ready_min", "memory", "runs",
    ] {
      #expect(keys[key] != nil, "\(key)")
    }
    #expect(forecast.timeline.count == 360)
    #expect(forecast.memory.machinePeakBytes == forecast.memory.poolPeakBytes)
    #expect(abs(forecast.timeline.map(\.utilisation).reduce(0, +) / 360 - forecast.utilisation) < 1e-6)
  }

  @Test func theTextTellsTheWorst() {
    let text = ForecastText.render(Self.forecast())
    for word in ["utilisation", "in line", "catalog", "restarts", "timer", "never fewer than 8 of 8", "MiB at most"] {
      #expect(text.contains(word), "\(word) in \(text)")
    }
    #expect(text.contains("It holds"))
  }

  /// Well-formed, alone, and every mark within the picture.
  @Test(arguments: [0, 300]) func thePlotIsAnImageOfItsOwn(agents: Int) throws {
    let svg = ForecastPlot.render(Self.forecast { $0.agents.count = agents })
    let reader = PlotReader()
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = reader
    let isWhole = parser.parse()
    #expect(isWhole, "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(reader.paths.count == 5)
    #expect(reader.links.isEmpty && !svg.contains("url("))
    #expect(svg.contains("prefers-color-scheme: dark"))
    for path in reader.paths {
      let numbers = path.split { !($0.isNumber || $0 == "." || $0 == "-") }.compactMap { Double($0) }
      let (least, most) = (numbers.min() ?? -1, numbers.max() ?? -1)
      #expect(numbers.count >= 2 * 350 && least >= 0 && most <= 960, "\(path.prefix(200))")
    }
  }
}

private final class PlotReader: NSObject, XMLParserDelegate {
  var paths: [String] = []
  var links: [String] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    if name == "path" { paths.append(attributes["d"] ?? "") }
    links += [attributes["href"], attributes["xlink:href"], attributes["src"]].compactMap(\.self)
  }
}
