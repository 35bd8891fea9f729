# frozen_string_literal: true

require 'optparse'

module MasterPool
  # What a worker is told on its command line.
  Options = Struct.new(
    :socket, :slot, :confdir, :codedir, :ssldir, :reportdir, :bucketdir, :environment_timeout, :log_level, :title,
    :describe_files, :canary, :canary_facts, keyword_init: true
  ) do
    # Ends the process: 0 after --help, 64 for what does not parse, 78 for folders that are not there.
    def self.parse(arguments)
      options = new(title: 'master')
      parser = Options.parser(options)
      rest = parser.parse(arguments)
      raise OptionParser::NeedlessArgument, rest.first unless rest.empty?

      options.check
      options
    rescue OptionParser::ParseError => e
      warn "worker.rb: #{e.message}; see worker.rb --help"
      exit 64
    end

    def self.parser(options)
      OptionParser.new do |o|
        o.banner = <<~TEXT
          Usage: worker.rb --socket PATH --slot DIR --confdir DIR [option…]
                 worker.rb --describe-files --confdir DIR [option…]

          Serves Puppet's server API on a unix socket, for masterpool's front: HTTP/1.1, kept alive, one request
          at a time. The socket appears when Puppet is ready. GET /status answers "running".
          SIGTERM or SIGINT: finish the current request, then exit 0.
          With MASTERPOOL_PARENT_FD in the environment: forks workers on request instead; see ../README.md.

          The front says who asks: X-Client-Verify: SUCCESS, X-Client-DN: CN=name, X-Client-Cert: the PEM,
          URL-encoded. There is no authorization behind the socket (mode 0600).

        TEXT
        o.separator 'Needed:'
        o.on('--socket PATH', 'where to listen') { |v| options.socket = v }
        o.on('--slot DIR', "this worker's own folder: everything it caches goes there") { |v| options.slot = v }
        o.on('--confdir DIR', 'with puppet.conf, hiera.yaml, routes.yaml') { |v| options.confdir = v }
        o.separator "\nKept outside the slot; what is not given comes from puppet.conf or Puppet's defaults:"
        o.on('--codedir DIR', 'with environments/ and modules/') { |v| options.codedir = v }
        o.on('--ssldir DIR', 'certificates for what a master itself calls, as PuppetDB') { |v| options.ssldir = v }
        o.on('--reportdir DIR', 'where the store report handler puts reports') { |v| options.reportdir = v }
        o.on('--bucketdir DIR', 'the file bucket') { |v| options.bucketdir = v }
        o.separator "\nOther:"
        o.on('--environment-timeout V', 'how long manifests stay in memory: 0, unlimited, 30s, 5m, …') do |v|
          options.environment_timeout = v
        end
        o.on('--log-level LEVEL', %w[debug info notice warning err],
             "what is logged; else puppet.conf's log_level, else warning") { |v| options.log_level = v }
        o.on('--canary NODE', 'as a parent: compile its catalog before a worker is forked') { |v| options.canary = v }
        o.on('--canary-facts FILE', "its facts in JSON; else this machine's") { |v| options.canary_facts = v }
        o.on('--describe-files', 'say in one line of JSON where agents\' files lie, and end') { options.describe_files = true }
        o.on('--title TEXT', 'name of this worker in ps and in its messages') { |v| options.title = v }
        o.on('-h', '--help', 'this text') do
          puts o
          exit
        end
      end
    end

    def check
      needed = { '--confdir' => confdir }
      needed.update('--socket' => socket, '--slot' => slot) unless describe_files
      missing = needed.select { |_, value| value.nil? }
      raise OptionParser::MissingArgument, missing.keys.join(', ') unless missing.empty?

      %i[socket slot confdir codedir ssldir reportdir bucketdir canary_facts].each do |name|
        self[name] &&= File.expand_path(self[name])
      end
      { '--slot' => slot, '--confdir' => confdir, '--codedir' => codedir }.each do |name, folder|
        next if folder.nil? || File.directory?(folder)

        warn "worker.rb: #{name} #{folder} is not a folder; make it, or name another"
        exit 78
      end
    end
  end
end
