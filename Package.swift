// swift-tools-version: 6.2
import PackageDescription

let ours: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableExperimentalFeature("Lifetimes"),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: ours)
}
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
    resources: name == "HTTPWire" ? [.copy("Corpus")] : name == "Settings" ? [.copy("Golden")] : [],
    swiftSettings: ours)
}
let chosenRooms = Context.environment["MASTERPOOL_ROOMS"]?.split(separator: ",").map(String.init)

/// A program only where scripts/fuzz builds it, since libFuzzer brings the main function; a library everywhere else, so
/// that it is known to compile.
func fuzzing() -> Target {
  let (rooms, path): ([Target.Dependency], String) = (["HTTPWire", "Settings"], "Tests/Fuzzing")
  let settings = ours + [.unsafeFlags(["-parse-as-library"])]
  return chosenRooms?.contains("fuzz") == true
    ? .executableTarget(
      name: "fuzz", dependencies: rooms, path: path, exclude: ["tokens.dict"], swiftSettings: settings)
    : .target(name: "fuzz", dependencies: rooms, path: path, exclude: ["tokens.dict"], swiftSettings: settings)
}

let program: [Target.Dependency] = [
  "Pool", "Settings", "Proxying", "Supervision", "Control", "History", "Authority", "Fetching", "Simulator", "Advice",
  "Hindsight", "Manual", "Logs", "CLinux", argumentParser, logging, lifecycle,
]

let package = Package(
  name: "masterpool",
  products: [.executable(name: "masterpool", targets: ["masterpool"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // Thin doors to the system.
    .target(name: "CLinux"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    // The dashboard's files, each by #embed.
    .target(name: "CDashboard", exclude: ["page"]),
    // The manual's pages, likewise.
    .target(name: "CManual", exclude: ["topics"]),

    // Pure: no file, socket, clock, task or random source.
    room("Pool"),
    room("HTTPWire"),
    room("Settings", ["Pool", yams]),
    room("Simulator", ["Pool"]),
    room("Advice", ["Pool"]),
    room("Hindsight", ["Pool", "Simulator", "Advice"]),
    room("Manual", ["CManual"]),

    // The data plane.
    room("Files", ["Pool", "HTTPWire", "CLinux", "COpenSSL"]),
    room("Proxying", ["Pool", "HTTPWire", "Files", "CLinux", "COpenSSL"]),

    // The control plane.
    room("Fetching", ["CCurl"]),
    room("Logs", ["Pool", "CLinux", logging]),
    room("Supervision", ["Pool", "Fetching", "CLinux", logging]),
    room("Control", ["Pool", "Fetching", "CDashboard", hummingbird, logging, lifecycle]),
    room("History", ["Pool", grdb]),
    room("Authority", [x509, crypto, cryptoExtras, asn1]),
    .executableTarget(name: "masterpool", dependencies: program, swiftSettings: ours),

    tests(of: "Pool", ["Seeded", "Simulation"]), tests(of: "HTTPWire", ["Seeded"]), tests(of: "Settings", ["Seeded"]),
    tests(of: "Simulator", ["Pool"]),
    tests(of: "Advice", ["Pool", "Seeded"]),
    tests(of: "Hindsight", ["Pool", "Simulator", "Advice", "Seeded"]),
    tests(of: "Files", ["TestSupport", "Pool"]),
    tests(of: "Proxying", ["CLinux", "COpenSSL", "TestSupport", "Seeded", "HTTPWire", "Pool"]),
    tests(of: "Fetching", ["TestSupport"]), tests(of: "Supervision", ["TestSupport", "Pool"]),
    tests(of: "Control", ["TestSupport", "Pool", yams]), tests(of: "Authority"),
    tests(of: "Logs", ["TestSupport", "Pool", "CLinux"]),
    tests(of: "History", ["TestSupport", "Pool", grdb]),
    tests(of: "Manual", ["masterpool", "TestSupport", "Pool", "Settings"]),

    // Chance that a seed repeats, for simulations and mutants; as pure as the rooms that it tests.
    .target(name: "Seeded", dependencies: ["Simulator"], path: "Tests/Seeded", swiftSettings: ours),
    // The governor and the admission of requests on a fake clock; scripts/simulate runs it seed after seed.
    .target(
      name: "Simulation", dependencies: ["Pool", "Seeded", "Simulator"], path: "Tests/Simulation", swiftSettings: ours
    ),
    .executableTarget(
      name: "simulate", dependencies: ["Pool", "Simulation"], path: "Tests/Simulate", swiftSettings: ours),

    fuzzing(),

    // Real processes: the program in front of a master that can be told to misbehave, and of Puppet.
    .target(
      name: "TestSupport", dependencies: ["Pool", "CLinux", "COpenSSL"], path: "Tests/TestSupport",
      swiftSettings: ours),
    .executableTarget(
      name: "stub-master", dependencies: ["CLinux", argumentParser], path: "Tests/StubMaster",
      swiftSettings: ours),
    // Agents in a hurry, for scripts/bench.
    .executableTarget(
      name: "bench-agent", dependencies: ["CLinux", "COpenSSL", "TestSupport", argumentParser],
      path: "Tests/BenchAgent",
      swiftSettings: ours),
    // The whole program under a stream of faults, for scripts/chaos.
    .executableTarget(
      name: "chaos", dependencies: ["TestSupport", "Pool", "Seeded", argumentParser], path: "Tests/Chaos",
      swiftSettings: ours),
    // The same program under another version, for upgrades.
    .executableTarget(
      name: "masterpool-next", dependencies: program, path: "Tests/NextVersion",
      swiftSettings: ours + [.define("NEXT_VERSION")]),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "masterpool", "masterpool-next", "stub-master", "chaos", "TestSupport", "Pool", "Control", "CLinux",
        "History", "Simulator", "Seeded",
      ],
      swiftSettings: ours),
    .testTarget(
      name: "PuppetTests", dependencies: ["masterpool", "TestSupport", "Pool", "Control", "Files", "Supervision"],
      swiftSettings: ours),
  ],
  cLanguageStandard: .gnu2x
)

// MASTERPOOL_ROOMS=Pool,HTTPWire swift test: these rooms, their tests and what they stand on, and nothing
// else is resolved or built, so a pure room's tests run in seconds.
if let rooms = chosenRooms {
  var wanted = Set(rooms + rooms.map { "\($0)Tests" })
  func names(_ target: Target) -> [String] {
    target.dependencies.compactMap { dependency in
      switch dependency {
      case .byNameItem(let name, _), .targetItem(let name, _): name
      default: nil
      }
    }
  }
  var grew = true
  while grew {
    let more = package.targets.filter { wanted.contains($0.name) }.flatMap(names)
    grew = !wanted.isSuperset(of: more)
    wanted.formUnion(more)
  }
  package.targets.removeAll { !wanted.contains($0.name) }
  let used = Set(
    package.targets.flatMap(\.dependencies).compactMap { dependency -> String? in
      if case .productItem(_, let package, _, _) = dependency { return package }
      return nil
    })
  package.dependencies.removeAll { dependency in
    guard case .sourceControl(_, let location, _) = dependency.kind else { return false }
    return !used.contains { location.hasSuffix("/\($0)") }
  }
  package.products.removeAll { $0.name == "masterpool" && !wanted.contains("masterpool") }
}
