# frozen_string_literal: true

require 'masterpool/options'
require 'masterpool/output'

module MasterPool
  # From a fork of the parent to a worker of its own: its place among the processes, its descriptors, its environment,
  # its chance.
  module Newborn
    SCRIPT = File.expand_path('../../worker.rb', __dir__)

    # Called in a fork of the parent's, which forks once more, tells the worker's number and is gone. Returns in the
    # worker, with its options.
    def self.come_of(teller)
      pid = fork
      if pid
        Process.setpgid(pid, pid)
        teller.write([pid].pack('l'))
        exit!(0)
      end
      order, output, lease = yield
      # The supervisor knows us from now on; without a byte nobody wants us any more.
      exit!(0) unless lease.read(1)
      become(order, output)
    rescue SystemCallError => e
      warn "a worker was not forked: #{e.message}"
      exit!(71)
    end

    def self.become(order, output)
      [$stdout, $stderr].each { |stream| stream.reopen(output) }
      # A stream that was opened anew is a plain one again.
      Output.never_wait
      close_inherited
      # In place: what is read from it by others is the same object.
      ENV.replace(order['environment'])
      Dir.chdir(order['working_directory'])
      # Ruby does so itself on some ways of forking and in some versions.
      Random.srand
      OpenSSL::Random.seed(Random.urandom(32)) if defined?(OpenSSL::Random)
      options = Options.parse(arguments(order))
      Process.setproctitle("masterpool: #{options.title}")
      options
    end

    def self.close_inherited
      ObjectSpace.each_object(IO) do |io|
        io.close unless io.closed? || io.fileno <= 2
      rescue IOError, SystemCallError
        nil # Half open, or never opened.
      end
    end

    # Behind Ruby, its own options and the script.
    def self.arguments(order)
      words = order['arguments']
      script = words.index { |word| File.expand_path(word) == SCRIPT || File.basename(word) == 'worker.rb' }
      words.drop(script ? script + 1 : 2)
    end

    private_class_method :become, :close_inherited, :arguments
  end
end
