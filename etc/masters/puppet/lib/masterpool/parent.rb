# frozen_string_literal: true

require 'json'
require 'socket'
require 'masterpool/boot'
require 'masterpool/canary'
require 'masterpool/newborn'

module MasterPool
  # Puppet, loaded once, from which workers are forked on request: a worker shares what it does not change with its
  # parent and its siblings, and is there within milliseconds. The protocol is in ../../../README.md.
  class Parent
    READ_BYTES = 64 * 1024
    # Two descriptors come with each order to fork.
    CONTROL_BYTES = 256
    # So often a collection makes what lives old, so that a later one in a worker leaves its pages alone.
    COLLECTIONS = 4

    # Returns in each worker, with that worker's options; the parent itself ends in here.
    def self.run(options, link, door)
      new(options, UNIXSocket.for_fd(link), door && UNIXServer.for_fd(door)).run
    end

    # `door`: where another supervisor comes in when this one's link has ended; nil: nowhere.
    def initialize(options, link, door)
      @options = options
      @link = link
      @door = door
      [link, door].compact.each { |socket| socket.close_on_exec = true }
      @buffer = String.new(encoding: Encoding::BINARY)
      @descriptors = []
    end

    def run
      begin
        prepare
      rescue StandardError, ScriptError, SystemStackError => e
        say(report: 'failed', why: e.message)
        warn e.backtrace.first(20).join("\n") if ENV['MASTERPOOL_DEBUG']
        exit!(70)
      end
      loop do
        say(report: 'ready')
        newborn = serve
        return newborn if newborn

        exit!(0) unless @door
        await_successor
      end
    end

    private

    def prepare
      Boot.run(@options)
      Canary.run(@options, ENV.delete('MASTERPOOL_DEPLOY_ENVIRONMENT'))
      settle
    end

    # What is garbage now would be copied by every worker that collects it.
    def settle
      return Process.warmup if Process.respond_to?(:warmup)

      COLLECTIONS.times { GC.start }
      GC.compact if GC.respond_to?(:compact)
    end

    # Returns in a worker, or with nil at the end of the link, which is the end of whoever asked for workers.
    def serve
      while (order = receive)
        case order['command']
        when 'fork'
          newborn = fork_worker(order)
          return newborn if newborn
        when 'ping' then say(report: 'alive')
        else warn "#{@options.title}: the order #{order['command'].inspect} is unknown"
        end
      end
    end

    # What was asked over the link that has ended is nobody's any more.
    def await_successor
      @link.close
      @descriptors.each(&:close).clear
      @buffer.clear
      @link = @door.accept
      @link.close_on_exec = true
    end

    # Nil in the parent.
    def fork_worker(order)
      output, lease = descriptors = @descriptors.shift(2)
      descriptors += (reader, writer = IO.pipe)
      middle = fork
      # Its end makes the worker a child of the supervisor.
      return Newborn.come_of(writer) { [order, output, lease] } if middle.nil?

      writer.close
      pid = reader.read(4)&.unpack1('l')
      Process.wait(middle)
      raise 'the fork in between ended' unless pid

      answer(descriptors, report: 'forked', worker: order['worker'], pid: pid)
    rescue SystemCallError, RuntimeError => e
      answer(descriptors, report: 'failed', worker: order['worker'], why: e.message)
    end

    def answer(descriptors, message)
      descriptors.each { |io| io.close unless io.closed? }
      say(message)
      nil
    end

    def receive
      until (line_end = @buffer.index("\n"))
        bytes, _, _, *controls = @link.recvmsg(READ_BYTES, 0, CONTROL_BYTES, scm_rights: true)
        return if bytes.nil? || bytes.empty?

        @descriptors.concat(controls.flat_map { |c| c.cmsg_is?(:SOCKET, :RIGHTS) ? c.unix_rights : [] })
        @buffer << bytes
      end
      JSON.parse(@buffer.slice!(0..line_end))
    rescue Errno::ECONNRESET
      nil
    end

    def say(message)
      @link.write("#{JSON.generate(message)}\n")
    rescue SystemCallError
      # Reading sees the end, too.
      exit!(0) unless @door
    end
  end
end
