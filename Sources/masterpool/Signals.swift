import Dispatch

/// Signals as calls, in threads of Dispatch. From its making on none of them is lost, and none ends the process.
struct Signals {
  private let sources: [any DispatchSourceSignal]

  init(_ acts: [Int32: @Sendable () -> Void]) {
    let registered = DispatchGroup()
    sources = acts.map { number, act in
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: act)
      registered.enter()
      source.setRegistrationHandler { registered.leave() }
      source.activate()
      return source
    }
    // Dispatch puts a handler of its own in place then; one that was ignored until it does would be lost.
    registered.wait()
  }

  func cancel() { sources.forEach { $0.cancel() } }
}
