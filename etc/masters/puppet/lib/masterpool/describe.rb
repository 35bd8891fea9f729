# frozen_string_literal: true

require 'fileutils'
require 'json'
require 'tmpdir'
require 'masterpool/boot'

module MasterPool
  # Says in one line of JSON how this site's Puppet finds the files that agents ask for, so that the front can answer
  # for them. Reads the settings as a worker does and serves nothing.
  module Describe
    # What the line on standard output begins with.
    MARK = 'masterpool-files: '
    # What the name of its folder begins with; a date, the process and a few letters follow.
    FOLDER = 'masterpool-describe-'
    # Names that an environment's modulepath may contain, with what Puppet puts in their place.
    INTERPOLATED = %i[basemodulepath codedir confdir environmentpath].freeze
    # Summer and winter of these years tell one time zone from another.
    YEARS = (1996..2036).step(4)

    def self.run(options)
      sweep
      # So that the folder is removed.
      %w[TERM INT].each { |signal| trap(signal) { exit(1) } }
      # Puppet makes its folders as soon as it has settings. Nothing of the answer may lie below them.
      Dir.mktmpdir(FOLDER) do |folder|
        options.slot = folder
        Boot.settle(options)
        puts MARK + JSON.generate(answer(options))
        $stdout.flush
      end
    end

    # Folders of those that were killed before they could remove theirs.
    def self.sweep
      Dir.glob(File.join(Dir.tmpdir, "#{FOLDER}*")).each do |folder|
        facts = File.lstat(folder)
        pid = folder[/-(\d+)-\w+\z/, 1]
        FileUtils.remove_entry_secure(folder) if pid && facts.directory? && facts.owned? && !alive?(pid.to_i)
      rescue SystemCallError, ArgumentError
        nil # Gone already, or not ours to remove.
      end
    end

    def self.alive?(pid)
      Process.kill(0, pid)
      true
    rescue Errno::ESRCH
      false
    rescue SystemCallError
      true
    end

    def self.answer(options)
      {
        version: 1, puppet: Puppet.version, config: Puppet[:config], doubts: doubts(options),
        environmentpath: paths(:environmentpath), basemodulepath: paths(:basemodulepath),
        fileserverconfig: Puppet[:fileserverconfig], interpolated: INTERPOLATED.to_h { |name| [name, Puppet[name]] },
        digest_algorithm: Puppet[:digest_algorithm].to_s, mounts: mounts,
        uid: Process.euid, gid: Process.egid, groups: Process.groups, utc_offsets: utc_offsets
      }
    end

    def self.paths(name)
      Puppet::Node::Environment.split_path(Puppet[name]).map { |path| Puppet::FileSystem.expand_path(path) }
    end

    # Those that this Puppet has without being told.
    def self.mounts
      require 'puppet/file_serving/configuration'
      %w[modules plugins pluginfacts locales tasks scripts].select do |name|
        Puppet::FileServing::Mount.const_defined?(name == 'pluginfacts' ? :PluginFacts : name.capitalize, false)
      end
    end

    # What makes Puppet look elsewhere than where we would.
    def self.doubts(options)
      doubts = []
      doubts << 'PUPPETLIB is set' if ENV.key?('PUPPETLIB')
      doubts << 'versioned_environment_dirs is set' if versioned?
      doubts << 'modulepath is set in puppet.conf' unless Puppet[:modulepath].to_s.empty?
      doubts << 'a path lies in the worker\'s own folder' if in_slot?(options)
      doubts << 'routes.yaml has routes for files' if rerouted?
      doubts
    end

    def self.versioned?
      Puppet.settings.setting(:versioned_environment_dirs) ? Puppet[:versioned_environment_dirs] : false
    end

    def self.in_slot?(options)
      [*paths(:environmentpath), *paths(:basemodulepath), Puppet[:fileserverconfig]].any? do |path|
        path.start_with?(options.slot)
      end
    end

    def self.rerouted?
      file = Puppet[:route_file]
      return false unless Puppet::FileSystem.exist?(file)

      routes = Puppet::Util::Yaml.safe_load_file(file, [Symbol])
      ['server', 'master', :server, :master].any? do |name|
        %w[file_content file_metadata].any? { |kind| routes.is_a?(Hash) && routes[name]&.to_h&.key?(kind) }
      end
    end

    # Times in checksums are told in the worker's zone.
    def self.utc_offsets
      YEARS.flat_map { |year| [Time.utc(year, 1, 15), Time.utc(year, 7, 15)] }.to_h do |time|
        [time.to_i, time.getlocal.utc_offset]
      end
    end
  end
end
