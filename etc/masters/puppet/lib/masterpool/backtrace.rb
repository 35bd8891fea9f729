# frozen_string_literal: true

module MasterPool
  # On SIGUSR2 this process writes what all its threads are doing to a file in its slot: the supervisor asks for it
  # before it stops a worker that seems stuck. Ruby hears a signal between two steps of its own: one that is in native
  # code which holds the interpreter's lock says nothing.
  module Backtrace
    SIGNAL = 'USR2'
    FILE = 'backtrace.txt'
    MAX_FRAMES = 100
    MAX_THREADS = 16
    MAX_LINE = 300

    # From now on, until another slot is named.
    def self.tell_in(slot)
      path = File.join(slot, FILE)
      trap(SIGNAL) { write(path) }
    end

    # Put in place whole: whoever waits for the file reads it at once. In a trap no lock may be taken, so no logger.
    def self.write(path)
      File.open("#{path}.new", File::WRONLY | File::CREAT | File::TRUNC, 0o600) { |file| file.syswrite(text) }
      File.rename("#{path}.new", path)
    rescue SystemCallError
      nil # A full disk is no reason to end.
    end

    def self.text
      threads = Thread.list
      told = threads.first(MAX_THREADS).map { |thread| describe(thread) }
      told << "and #{threads.size - MAX_THREADS} more threads\n" if threads.size > MAX_THREADS
      told.join
    end

    def self.describe(thread)
      frames = thread.backtrace || []
      # What the trap itself does is of no interest.
      frames = frames.drop_while { |frame| frame.start_with?(__FILE__) } if thread == Thread.current
      name = thread == Thread.main ? 'main' : thread.name || thread.inspect
      lines = frames.first(MAX_FRAMES).map { |frame| "  #{frame[0, MAX_LINE]}\n" }
      lines << "  and #{frames.size - MAX_FRAMES} more frames\n" if frames.size > MAX_FRAMES
      "ruby thread #{name}, #{thread.status || 'ended'}:\n#{lines.join}"
    end
  end
end
