import ArgumentParser
import Control
import Settings
import Supervision

extension ControlGate.Keys {
  /// As the settings and the token's file are now.
  init(_ settings: ControlSettings) throws(ControlTokenUnusable) {
    // No `map`: it would lose the error's type.
    let token: ControlToken?
    if let path = settings.tokenFile { token = try ControlToken(file: path) } else { token = nil }
    self.init(token: token, names: HostNames(machine: MachineNames.all(), added: settings.allowHosts))
  }
}

/// The same at a start; after printing why not to standard error it throws exit code 78.
func loadControlKeys(_ settings: ControlSettings) throws(ExitCode) -> ControlGate.Keys {
  do throws(ControlTokenUnusable) { return try ControlGate.Keys(settings) } catch {
    Terminal.complain("\(error)")
    throw .badConfiguration
  }
}

extension SupervisorPlan {
  /// Opens the gate with these keys once it is in force.
  func opening(_ gate: ControlGate, with keys: ControlGate.Keys) -> SupervisorPlan {
    var plan = self
    // Of the token only that it is another one: the plan may be looked at.
    plan.others["control.token_file"] = keys.token.map { String($0.hashValue) }
    plan.others["control.allow_hosts"] = String(keys.names.hashValue)
    plan.adopted = { gate.change(to: keys) }
    return plan
  }
}
