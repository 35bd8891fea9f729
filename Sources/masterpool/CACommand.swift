import ArgumentParser
import Authority
import Foundation
import Supervision

struct CACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ca",
    abstract: "A certificate authority for servers and agents, in a folder.",
    discussion: """
      For a site that has no Puppet CA yet, and for trying things out:

        masterpool ca init --dir ca
        masterpool ca issue puppet.example.org --dir ca --dns puppet
        masterpool ca issue agent1.example.org --dir ca
        masterpool ca revoke agent1.example.org --dir ca

      The settings of a listener then name ca/certs/puppet.example.org.pem, ca/keys/puppet.example.org.key, ca/ca.pem \
      and ca/crl.pem. Nothing is ever overwritten. Exit status: 0 done, 1 refused or failed, 64 usage.
      """,
    subcommands: [CAInitCommand.self, CAIssueCommand.self, CARevokeCommand.self, CAListCommand.self])
}

struct CAFolderOptions: ParsableArguments {
  @Option(name: .customLong("dir"), help: ArgumentHelp("The authority's folder.", valueName: "dir"))
  var path: String
}

extension KeyKind: ExpressibleByArgument {}

struct CAInitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make an authority: its key, its certificate and an empty revocation list.",
    discussion: """
        masterpool ca init --dir /etc/masterpool/ca
        masterpool ca init --dir ca --name "Puppet CA: lab" --key p256

      The folder must be empty or not there yet.
      """)

  @OptionGroup var folder: CAFolderOptions

  @Option(help: "The authority's name. (default: Puppet CA: and this host's name)")
  var name: String?

  @Option(help: "The kind of its key, and of the keys it makes.")
  var key: KeyKind = .rsa4096

  @Option(help: "How many days its certificate is good.")
  var days = Authority.authorityDays

  func run() throws {
    try refusals {
      let path = folder.path
      try Authority.initialize(
        at: path, name: name ?? "Puppet CA: \(Self.hostName)", key: key, days: days, progress: complain)
      print("made an authority in \(path): \(path)/ca.pem, \(path)/crl.pem")
    }
  }

  /// At most so much that the name fits into a certificate.
  private static var hostName: String { String(MachineName.current.prefix(50)) }
}

struct CAIssueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issue",
    abstract: "Make a key and a certificate for a server or an agent.",
    discussion: """
        masterpool ca issue agent1.example.org --dir ca
        masterpool ca issue puppet.example.org --dir ca --dns puppet --dns 192.0.2.10

      Writes certs/NAME.pem and keys/NAME.key below the authority's folder. A name that has a good certificate is \
      refused; revoke that first.
      """)

  @Argument(help: "The certificate's name: lower-case letters, digits, '.', '_', '-'.")
  var name: String

  @OptionGroup var folder: CAFolderOptions

  @Option(
    help: ArgumentHelp("Another host name or address that a server answers to; may be repeated.", valueName: "name"))
  var dns: [String] = []

  @Option(help: "The kind of its key. (default: as the authority's)")
  var key: KeyKind?

  @Option(help: "How many days it is good.")
  var days = Authority.nodeDays

  func run() throws {
    try refusals {
      let issued = try Authority(at: folder.path).issue(
        Certname(name), alternatives: dns.map { try AlternativeName($0) }, key: key, days: days, progress: complain)
      for note in issued.notes { complain("\(name): \(note)") }
      print("issued \(name): \(issued.certificatePath), \(issued.keyPath)")
    }
  }
}

struct CARevokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Put a name's certificates on the revocation list.",
    discussion: """
        masterpool ca revoke agent1.example.org --dir ca

      Writes a new crl.pem. Safe to repeat.
      """)

  @Argument(help: "The certificate's name.")
  var name: String

  @OptionGroup var folder: CAFolderOptions

  func run() throws {
    try refusals {
      switch try Authority(at: folder.path).revoke(Certname(name)) {
      case .now(let serials):
        print(
          "revoked \(name) (\(serials.count) certificate\(serials.count == 1 ? "" : "s")): \(folder.path)/crl.pem")
      case .already(_, let since):
        let when = since.map { ", since \($0.formatted(.iso8601))" } ?? ""
        print("\(name) is revoked already\(when)")
      }
    }
  }
}

struct CAListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Show what was issued and what was revoked.",
    discussion: """
        masterpool ca list --dir ca
        masterpool ca list --dir ca --json
      """)

  @OptionGroup var folder: CAFolderOptions

  @Flag(help: "Print one JSON document.")
  var json = false

  func run() throws {
    try refusals {
      let contents = try Authority(at: folder.path).contents()
      guard json else {
        print(contents.table, terminator: "")
        return
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(contents), as: UTF8.self))
    }
  }
}

/// A line for the person at the terminal, apart from what a script reads.
private func complain(_ text: String) {
  FileHandle.standardError.write(Data("masterpool ca: \(text)\n".utf8))
}

/// Says why, and ends with 1.
private func refusals(_ body: () throws -> Void) throws {
  do { try body() } catch let failure as AuthorityFailure {
    complain(failure.description)
    throw ExitCode.failure
  }
}
