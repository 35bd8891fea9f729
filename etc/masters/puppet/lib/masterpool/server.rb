# frozen_string_literal: true

require 'io/wait'
require 'socket'
require 'masterpool/connection'

module MasterPool
  # The listener and its connections: many may be open, one request is served at a time, and an idle connection
  # holds up nobody.
  class Server
    MAX_CONNECTIONS = 256

    def initialize(path, application)
      @path = path
      @application = application
      @connections = []
      @stopping = false
    end

    # The socket is there when requests may come, never earlier: a refused connection means "not ready".
    def listen
      File.unlink(@path) if File.socket?(@path)
      mask = File.umask(0o177)
      @listener = UNIXServer.new(@path)
      @inode = File.stat(@path).ino
    ensure
      File.umask(mask) if mask
    end

    def run
      wake_on_signals
      until @stopping
        ready = IO.select(waiting_for).first
        ready.each { |io| io.equal?(@listener) ? accept : receive(io) unless io.equal?(@wake) }
        serve_waiting
      end
    ensure
      @connections.each(&:close)
      @listener.close
      # Not if it is a successor's by now.
      File.unlink(@path) if File.socket?(@path) && File.stat(@path).ino == @inode
    end

    private

    def wake_on_signals
      @wake, wakener = IO.pipe
      %w[TERM INT].each do |signal|
        trap(signal) do
          @stopping = true
          wakener.write_nonblock('.', exception: false)
        end
      end
    end

    def waiting_for
      accepting = @connections.size < MAX_CONNECTIONS ? [@listener] : []
      [@wake, *accepting, *@connections]
    end

    def accept
      socket = @listener.accept_nonblock(exception: false)
      @connections << Connection.new(socket) unless socket == :wait_readable
    rescue SystemCallError
      nil # It left again while it waited in the backlog.
    end

    def receive(connection)
      drop(connection) unless connection.receive
    end

    # One request each in turn; a pipelined one waits for the next round.
    def serve_waiting
      while (round = @connections.select(&:request_waiting?)).any?
        round.each do |connection|
          return if @stopping

          drop(connection) unless serve(connection)
        end
      end
    end

    # True where the connection lives on.
    def serve(connection)
      request = connection.read_request
      response = @application.call(request)
      keep_alive = request.keep_alive && !@stopping
      connection.write(response, head_only: request.method == 'HEAD', keep_alive: keep_alive)
      keep_alive
    rescue HTTP::Refused => e
      refuse(connection, e)
    rescue HTTP::Gone
      false
    ensure
      response&.close
    end

    def refuse(connection, refused)
      warn "refused a request: #{refused.message} (#{refused.status})"
      response = HTTP::Response.new(refused.status, 'text/plain; charset=utf-8', "#{refused.message}\n")
      connection.write(response, head_only: false, keep_alive: false)
      false
    rescue HTTP::Gone
      false
    end

    def drop(connection)
      @connections.delete(connection)
      connection.close
    end
  end
end
