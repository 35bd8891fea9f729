import Foundation
import Glibc
import TestSupport
import Testing

/// Another reader of HTTP, as Debian ships it, that says of each request what it took it for.
enum Peer: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case haproxy, nginx, puma

  var testDescription: String { rawValue }

  fileprivate var program: String {
    switch self {
    case .haproxy, .nginx: "/usr/sbin/\(rawValue)"
    case .puma: "/usr/bin/puma"
    }
  }

  fileprivate func arguments(_ folder: String) -> [String] {
    switch self {
    case .haproxy: ["-db", "-f", "\(folder)/settings"]
    case .nginx: ["-p", folder, "-c", "\(folder)/settings", "-e", "\(folder)/error.log"]
    case .puma: ["-e", "production", "-t", "1:1", "-b", "unix://\(folder)/peer.sock", "\(folder)/settings.ru"]
    }
  }

  /// All limits wide, nothing dropped that can be kept: it is how they read that counts.
  fileprivate func settings(_ folder: String) -> String {
    switch self {
    case .haproxy:
      """
      global
        tune.bufsize 131072
        tune.http.maxhdr 1000
      defaults
        mode http
        timeout connect 10s
        timeout client 20s
        timeout server 20s
      frontend agents
        bind unix@\(folder)/peer.sock
        default_backend masters
      backend masters
        server origin unix@\(folder)/origin.sock

      """
    case .nginx:
      """
      daemon off;
      master_process off;
      pid \(folder)/pid;
      error_log \(folder)/error.log;
      events { worker_connections 256; }
      http {
        access_log off;
        client_body_temp_path \(folder)/bodies;
        proxy_temp_path \(folder)/proxied;
        fastcgi_temp_path \(folder)/fastcgi;
        uwsgi_temp_path \(folder)/uwsgi;
        scgi_temp_path \(folder)/scgi;
        client_header_buffer_size 64k;
        large_client_header_buffers 8 64k;
        ignore_invalid_headers off;
        underscores_in_headers on;
        proxy_buffer_size 128k;
        proxy_buffers 8 128k;
        proxy_busy_buffers_size 256k;
        server {
          listen unix:\(folder)/peer.sock;
          location / {
            proxy_pass http://unix:\(folder)/origin.sock;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
          }
        }
      }

      """
    case .puma:
      #"""
      require "json"
      latin1 = ->(text) { text.b.force_encoding("ISO-8859-1").encode("UTF-8") }
      run(lambda do |env|
        names = env.keys.select { |name| name.start_with?("HTTP_") || name == "CONTENT_TYPE" }
        path, query = env["REQUEST_URI"].split("?", 2)
        # What an application routes by must be what stood in the request line.
        whole = env["PATH_INFO"] == path && env["QUERY_STRING"] == query.to_s
        meaning = {
          method: env["REQUEST_METHOD"], target: latin1[whole ? env["REQUEST_URI"] : env.slice("PATH_INFO", "QUERY_STRING").inspect],
          fields: names.map { |name| [name.delete_prefix("HTTP_"), latin1[env[name]]] },
          body: latin1[env["rack.input"].read]
        }
        [200, { "X-Meaning" => [JSON.generate(meaning)].pack("m0"), "Content-Length" => "0" }, []]
      end)

      """#
    }
  }
}

/// A peer's process, ended by its pid.
final class RunningPeer: Sendable {
  let peer: Peer
  let address: Address
  private let child: Child
  private let origin: Origin?
  private let log = Monitor(Recording())

  /// What it sent on that was no single request.
  var faults: [String] { log.read { $0.faults } }

  fileprivate init(_ peer: Peer, _ folder: String) async throws {
    self.peer = peer
    address = .unix("\(folder)/peer.sock")
    try peer.settings(folder).write(toFile: "\(folder)/\(peer == .puma ? "settings.ru" : "settings")")
    switch peer {
    case .haproxy, .nginx: origin = try Origin(in: folder, name: "origin.sock", recording(into: log, isTelling: true))
    case .puma: origin = nil
    }
    child = try Child(peer.program, peer.arguments(folder))
    do {
      try await child.accepts(at: address)
    } catch {
      child.send(SIGKILL)
      throw error
    }
  }

  fileprivate func stop() async throws {
    origin?.close()
    child.send(SIGKILL)
    _ = try await child.end()
  }
}

func withPeer(_ peer: Peer, _ body: (RunningPeer) async throws -> Void) async throws {
  try await withTemporaryDirectory { folder in
    let running = try await RunningPeer(peer, folder)
    do {
      try await body(running)
    } catch {
      try? await running.stop()
      throw error
    }
    try await running.stop()
  }
}
