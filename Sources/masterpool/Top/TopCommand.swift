import ArgumentParser
import Control
import Foundation
import Glibc
import Pool

struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Watch pools and workers, live.",
    discussion: """
        masterpool top
        masterpool top --interval 5s
        masterpool top --once

      Keys: up, down or j, k choose a worker; s, < and > sort, r reverses; d drains a slot or resumes it; R recycles \
      after y; enter or e shows what happened to the worker; p pauses; ? helps; q quits.

      It looks anew at once when something happened, and every --interval; where no supervisor answers, the last picture stays, greyed, until one does. Where standard input or output is \
      no terminal, or TERM is dumb, it prints the status every --interval instead. NO_COLOR is honoured.

      Exit status: 0 done, 1 failed or the terminal went away, 64 usage, 69 no supervisor there (only where it \
      prints), 128 and the signal's number where a signal ended it.
      """)

  @OptionGroup var options: ControlOptions

  @Option(help: ArgumentHelp("Between two looks while nothing happens, 1s to 1h. (default: 2s)", valueName: "time"))
  var interval: String?

  @Flag(help: "Print the status once.")
  var once = false

  func validate() throws {
    guard let seconds, (1...3600).contains(seconds) else {
      throw ValidationError("--interval takes 1s to 1h, not \(interval ?? "")")
    }
  }

  private var seconds: Int? { interval.map(Moment.seconds) ?? 2 }

  func run() async throws {
    let span = Duration.seconds(seconds ?? 2)
    let isDumb = ProcessInfo.processInfo.environment["TERM"] == "dumb"
    guard !once, !isDumb, let screen = Screen() else { return try await printing(every: span) }
    let status = await live(screen, every: span)
    if status != 0 { throw ExitCode(status) }
  }

  private func printing(every span: Duration) async throws {
    try await options.ask { client in
      while true {
        let status = try await client.status()
        Terminal.say(StatusText.render(status, now: Date(), palette: Terminal.palette))
        if once { return }
        try await Task.sleep(for: span)
      }
    }
  }

  private enum Occurrence: Sendable {
    case input(Screen.Input)
    case status(StatusDocument)
    case failure(String)
    case said(String)
    case events(SlotID, [String])
  }

  /// - Returns: the exit status.
  private func live(_ screen: Screen, every span: Duration) async -> Int32 {
    let client = options.client
    let palette = Terminal.palette
    let (occurrences, mailbox) = AsyncStream.makeStream(of: Occurrence.self)
    let inputs = screen.inputs
    screen.enter()
    defer { screen.leave() }
    let listening = Task { for await input in inputs { mailbox.yield(.input(input)) } }
    let looker = Looker(client, every: span)
    let looking = Task { await looker.run { mailbox.yield(Self.occurrence($0)) } }
    defer {
      listening.cancel()
      looking.cancel()
    }
    var model = TopModel()
    for await occurrence in occurrences {
      switch occurrence {
      case .status(let status): model.take(status, at: Date())
      case .failure(let why): model.lose(why, at: Date())
      case .said(let text): model.say(text)
      case .events(let slot, let lines): model.show(lines, of: slot)
      case .input(.end(let status)): return status
      case .input(.suspend): screen.suspend()
      case .input(.continued): screen.show()
      case .input(.resized): break
      case .input(.bytes(let bytes)):
        if bytes.contains(0x1A) { screen.suspend() }
        for key in KeyReader.keys(in: bytes) {
          guard let effect = model.press(key) else { continue }
          if effect == .quit { return 0 }
          Task {
            mailbox.yield(await Self.act(effect, client))
            looker.wish()
          }
        }
      }
      let size = screen.size
      screen.draw(TopView.frame(model, width: size.columns, height: size.rows, now: Date(), palette: palette))
    }
    return 0
  }

  private static func occurrence(_ look: Result<StatusDocument, ControlFailure>) -> Occurrence {
    switch look {
    case .success(let status): .status(status)
    case .failure(let failure): .failure(failure.description)
    }
  }

  private static func act(_ effect: TopModel.Effect, _ client: ControlClient) async -> Occurrence {
    do throws(ControlFailure) {
      switch effect {
      case .quit: return .said("")
      case .perform(let command): return .said(try await client.perform(command).message)
      case .showEvents(let slot):
        var filter = EventFilter()
        filter.target = .slot(slot)
        let events = try await client.events(filter, limit: 200)
        return .events(slot, events.map { EventText.line($0, palette: .plain) })
      }
    } catch {
      return .said(error.description)
    }
  }
}
