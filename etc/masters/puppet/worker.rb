#!/usr/bin/env ruby
# frozen_string_literal: true

# One Puppet master: Puppet's server API over HTTP/1.1 on a unix socket, one request at a time. Or the warm parent of
# such masters, which has Puppet loaded and forks them (see ../README.md).
#
# It trusts the front that owns the socket: TLS, client certificates and authorization happen there, since none
# of them is left in Puppet's Ruby code. Run it behind anything else and every caller may read every node's data.

$LOAD_PATH.unshift File.join(__dir__, 'lib')

require 'masterpool/options'

options = MasterPool::Options.parse(ARGV)
Process.setproctitle("masterpool: #{options.title}")

# Until the first request there is nothing to finish.
%w[TERM INT].each { |signal| trap(signal) { exit!(0) } }
began = Process.clock_gettime(Process::CLOCK_MONOTONIC)

require 'masterpool/boot'
require 'masterpool/backtrace'
require 'masterpool/output'
require 'masterpool/puppet_api'
require 'masterpool/server'

begin
  if options.describe_files
    require 'masterpool/describe'
    MasterPool::Describe.run(options)
    exit
  end
  MasterPool::Output.never_wait
  if (link = ENV.delete('MASTERPOOL_PARENT_FD'))
    require 'masterpool/parent'
    # Comes back in the workers alone, each with its own options.
    options = MasterPool::Parent.run(options, Integer(link), ENV.delete('MASTERPOOL_PARENT_DOOR_FD')&.to_i)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    MasterPool::Boot.move(options)
  else
    MasterPool::Boot.run(options)
  end
rescue StandardError, ScriptError => e
  warn "#{options.title}: Puppet does not start: #{e.message}"
  warn e.backtrace.first(20).join("\n") if ENV['MASTERPOOL_DEBUG']
  exit 70
end

server = MasterPool::Server.new(options.socket, MasterPool::PuppetAPI.new)
begin
  server.listen
rescue SystemCallError, ArgumentError => e
  warn "#{options.title}: cannot listen on #{options.socket}: #{e.message}"
  exit 73
end

seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
warn format('%s: Puppet %s on ruby %s takes requests on %s, %.3f s after its %s',
            options.title, Puppet.version, RUBY_VERSION, options.socket, seconds, link ? 'fork' : 'start')
MasterPool::Backtrace.tell_in(options.slot)
server.run
