import Glibc
import Pool

/// One environment's modules as Puppet::Node::Environment finds them, and what must stay as it is for this to hold.
final class EnvironmentIndex: Sendable {
  struct Module: Hashable, Sendable {
    var name: String
    var path: String
    /// Puppet may refuse it for its metadata.json, or may not get to it.
    var isDoubtful: Bool
    /// Which of `merged` it has.
    var folders: Set<String>
  }

  enum Standing: Sendable { case sound, absent, doubtful }

  /// Folders of modules that make one mount together.
  static let merged = ["lib", "facts.d", "locales"]
  static let maxConfBytes = 64 << 10

  /// Doubtful: Puppet might see it otherwise.
  let standing: Standing
  /// Existing folders only.
  let modulepath: [String]
  /// In Puppet's order: of two with one name, only the first is here.
  let modules: [Module]
  private let places: [String: Int]
  private let witnesses: [Witness]
  /// False: something changed so lately that the next change might not show.
  private let isSettled: Bool

  /// Reads folders: not for an event loop.
  init(_ name: String, plan: PuppetFilePlan, reader: Reader, maxModules: Int) {
    var survey = Survey(reader: reader, maxModules: maxModules)
    (standing, modulepath) = survey.modulepath(of: name, plan)
    let found = standing == .sound ? survey.modules(along: modulepath) : []
    modules = found
    places = Dictionary(found.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    witnesses = survey.witnesses
    let now = Moment.wall()
    isSettled = witnesses.allSatisfy { $0.facts?.isSettled(at: now) ?? true }
  }

  func module(_ name: String) -> Module? { places[name].map { modules[$0] } }

  /// Nothing that it was made from has changed.
  var stands: Bool { isSettled && witnesses.allSatisfy(\.stands) }

  /// Then the mounts that all modules make together are not sure either.
  var hasDoubts: Bool { modules.contains(where: \.isDoubtful) }
}

private struct Witness: Sendable {
  var path: String
  var facts: FileFacts?

  var stands: Bool { FileFacts(at: path) == facts }
}

/// A look around that remembers what it saw.
private struct Survey {
  let reader: Reader
  let maxModules: Int
  var witnesses: [Witness] = []

  init(reader: Reader, maxModules: Int) {
    self.reader = reader
    self.maxModules = maxModules
  }

  private mutating func facts(_ path: String) -> FileFacts? {
    let facts = FileFacts(at: path)
    witnesses.append(Witness(path: path, facts: facts))
    return facts
  }

  /// The first folder of that name is the environment.
  mutating func modulepath(of name: String, _ plan: PuppetFilePlan) -> (EnvironmentIndex.Standing, [String]) {
    for folder in plan.environmentPath {
      let environment = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
      guard let facts = facts(environment), facts.kind == .folder else { continue }
      let conf = EnvironmentConf(interpolated: plan.interpolated)
      guard reader.mayReach(environment), let text = text(ofConfIn: environment),
        let path = conf.modulepath(of: environment, text: text, base: plan.baseModulePath)
      else { return (.doubtful, []) }
      let folders = path.filter { self.facts($0)?.kind == .folder }
      return isListable(folders) ? (.sound, folders) : (.doubtful, [])
    }
    return (.absent, [])
  }

  /// Nil within: there is none. Nil: there is one that cannot be read, or not by the workers.
  private mutating func text(ofConfIn environment: String) -> String?? {
    let path = "\(environment)/environment.conf"
    guard let facts = facts(path) else {
      return FileFacts(at: path, followingLinks: false) == nil ? .some(nil) : nil
    }
    guard reader.mayRead(facts), let bytes = contents(at: path, limit: EnvironmentIndex.maxConfBytes),
      let text = String(validating: bytes, as: UTF8.self)
    else { return nil }
    return .some(text)
  }

  private func isListable(_ folders: [String]) -> Bool {
    folders.allSatisfy { folder in
      guard reader.mayReach(folder), let facts = FileFacts(at: folder), reader.mayList(facts) else { return false }
      return FolderListing.names(at: folder, limit: maxModules) != nil
    }
  }

  mutating func modules(along path: [String]) -> [EnvironmentIndex.Module] {
    var modules: [EnvironmentIndex.Module] = []
    var seen: Set<String> = []
    for folder in path {
      for name in FolderListing.names(at: folder, limit: maxModules) ?? [] {
        guard isModuleName(name), !seen.contains(name),
          let module = module(name, at: "\(folder == "/" ? "" : folder)/\(name)")
        else { continue }
        seen.insert(name)
        modules.append(module)
      }
    }
    return modules
  }

  /// Nil: it is no folder, so another of the same name may come behind it.
  private mutating func module(_ name: String, at path: String) -> EnvironmentIndex.Module? {
    guard let facts = facts(path), facts.kind == .folder else { return nil }
    var folders: Set<String> = []
    var leadsNowhere = false
    for folder in EnvironmentIndex.merged {
      if FileFacts(at: "\(path)/\(folder)") != nil {
        folders.insert(folder)
      } else if FileFacts(at: "\(path)/\(folder)", followingLinks: false) != nil {
        leadsNowhere = true
      }
    }
    let isSound = reader.mayReach(path) && acceptsMetadata(of: path) && !leadsNowhere
    return EnvironmentIndex.Module(name: name, path: path, isDoubtful: !isSound, folders: folders)
  }

  private mutating func acceptsMetadata(of module: String) -> Bool {
    let path = "\(module)/metadata.json"
    guard let facts = facts(path) else { return FileFacts(at: path, followingLinks: false) == nil }
    guard reader.mayRead(facts), let text = contents(at: path, limit: ModuleMetadata.maxBytes) else { return false }
    return ModuleMetadata.isAccepted(text)
  }
}

/// `^[a-z][a-z0-9_]*$`
private func isModuleName(_ name: String) -> Bool {
  guard let first = name.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
  return name.utf8.allSatisfy { isWordByte($0) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
}
