import Foundation
import Synchronization

/// Held while a child is made: a pipe's ends must be marked close-on-exec before another one is.
let spawning = Mutex(())

/// Starts a program in the caller's environment with `environment` added, no signal blocked or ignored. `arrange` says
/// what its descriptors are.
///
/// - Parameter flags: of posix_spawnattr_setflags(3), besides those for signals.
func spawn(
  _ program: String, _ arguments: [String], _ environment: [String: String], flags: Int16 = 0,
  arrange: (inout posix_spawn_file_actions_t) -> Void
) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  arrange(&actions)
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  sigemptyset(&none)
  var all = sigset_t()
  sigfillset(&all)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setsigdefault(&attributes, &all)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | flags)
  let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
  var settings: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0.key)=\($0.value)") }
  defer { (words + settings).forEach { free($0) } }
  words.append(nil)
  settings.append(nil)
  var pid: pid_t = 0
  let result = posix_spawn(&pid, program, &actions, &attributes, words, settings)
  guard result == 0 else { throw SystemFailure("spawn \(program)", result) }
  return pid
}
