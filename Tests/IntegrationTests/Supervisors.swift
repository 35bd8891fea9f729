import Foundation
import Pool
import TestSupport
import Testing

/// Supervisors that a test starts and kills by itself, in one directory.

/// A first one, all of whose workers are ready.
func startFirst(
  _ yaml: String, in directory: String, program: String = Programs.masterpool
) async throws -> (Child, StatusDocument) {
  let file = "\(directory)/masterpool.yaml"
  try yaml.write(toFile: file)
  let child = try Child(program, ["run", "--config", file], environment: ["MASTERPOOL_TEST": directory])
  try await child.says("ready event=supervisor")
  return (child, try await status(in: directory) { $0.pools.allSatisfy { $0.ready == $0.size } })
}

func status(
  in directory: String, where isSo: (StatusDocument) -> Bool = { _ in true }
) async throws -> StatusDocument {
  let deadline = Deadline.after(.seconds(60))
  while !deadline.passed {
    let response = try? await request("GET", "/v1/status", at: .unix("\(directory)/run/control.sock"))
    if let response, response.status == 200,
      let status = try? JSONDecoder().decode(StatusDocument.self, from: Data(response.body)), isSo(status)
    {
      return status
    }
    try await Task.sleep(for: .milliseconds(30))
  }
  throw TimedOut("the status")
}

func murder(_ supervisor: Child) async throws {
  // What it knows is in its file within moments.
  try await Task.sleep(for: .milliseconds(100))
  supervisor.send(SIGKILL)
  #expect(try await supervisor.end() == .signalled(SIGKILL))
}

func address(_ status: StatusDocument) throws -> Address {
  try #require(Address(status.listen.first ?? ""))
}

func pids(_ status: StatusDocument) -> [Int32] {
  status.pools.flatMap(\.workers).compactMap(\.pid).sorted()
}
