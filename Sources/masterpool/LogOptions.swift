import ArgumentParser
import FoundationEssentials
import Logs
import Pool
import Settings
import Supervision

/// How `masterpool run` says what it does, above what the settings say.
struct LogOptions: ParsableArguments {
  @Option(help: "How messages are written. (default: log.format of the settings)")
  var logFormat: LogFormat?

  @Option(help: "The least serious messages to log. (default: log.level of the settings)")
  var logLevel: LogLevel?

  /// What is set live comes above it.
  var overrides: [SettingOverride] {
    let at = Date().formatted(.iso8601)
    return [
      logFormat.map { SettingOverride(key: "log.format", value: $0.rawValue, by: "--log-format", at: at) },
      logLevel.map { SettingOverride(key: "log.level", value: $0.rawValue, by: "--log-level", at: at) },
    ].compactMap { $0 }
  }
}

extension LogFormat: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

extension SupervisorPlan {
  /// Has the center speak by this policy once it is in force.
  func speaking(through center: LogCenter, by policy: LogPolicy) -> SupervisorPlan {
    var plan = self
    plan.others["log.format"] = policy.format.rawValue
    plan.others["log.level"] = policy.level.rawValue
    for (origin, level) in policy.levels { plan.others["log.levels.\(origin.rawValue)"] = level.rawValue }
    plan.others["log.max_line"] = policy.maxLine.description
    plan.others["log.buffer"] = policy.buffer.description
    plan.others["log.socket"] = policy.socket
    let former = plan.adopted
    plan.adopted = {
      former()
      center.change(to: policy)
    }
    return plan
  }
}
