# frozen_string_literal: true

require 'etc'
require 'facter'
require 'fileutils'
require 'json'
require 'puppet'
require 'puppet/application_support'
require 'puppet/network/http'
require 'puppet/network/http/api/server/v3'
require 'puppet/node/facts'
require 'puppet/ssl/oids'
require 'puppet/ssl/certificate'
require 'puppet/file_serving/content'
require 'puppet/file_serving/metadata'
require 'puppet/file_bucket/file'
require 'puppet/transaction/report'

module MasterPool
  # Makes this process a Puppet server in all but the network, with everything it caches inside its slot.
  module Boot
    # Outlives the worker, so never in the slot: code, certificates, reports, backups of agents' files.
    SITE = %i[codedir ssldir reportdir bucketdir].freeze
    # The name too: where puppet.conf has none, Puppet asks Facter for the host's, and once is enough.
    ASKED = [*SITE, :certname].freeze

    # Below the slot, whatever puppet.conf says: what one worker caches, no other may meet.
    def self.slot_folders(slot)
      vardir = File.join(slot, 'var')
      {
        vardir: vardir, logdir: File.join(slot, 'log'), rundir: File.join(slot, 'run'),
        publicdir: File.join(slot, 'public'), statedir: File.join(vardir, 'state'), libdir: File.join(vardir, 'lib'),
        plugindest: File.join(vardir, 'lib'), pluginfactdest: File.join(vardir, 'facts.d'),
        localedest: File.join(vardir, 'locales'), yamldir: File.join(vardir, 'yaml'),
        server_datadir: File.join(vardir, 'server_data'), preview_outputdir: File.join(vardir, 'preview')
      }
    end

    def self.run(options)
      # Puppet makes these folders, not the ones above them.
      FileUtils.mkdir_p(options.to_h.slice(:ssldir, :reportdir, :bucketdir).values.compact)
      settle(options)
      self.log_level = options.log_level
      Puppet::ApplicationSupport.push_application_context(Puppet::Util::RunMode[:server])
      one_at_a_time(options.reportdir) { Puppet.settings.use :main, :server, :ssl, :metrics }
      serve_from_disk
      Puppet::ApplicationSupport.configure_indirector_routes('server')
      Puppet::SSL::Oids.register_puppet_oids
      # Its presence alone says that someone else authorizes: the front does.
      Puppet::Network::Authorization.authconfigloader_class = self
    end

    # Masters that start together make the same folders, and to Puppet one that another has just made is a failure.
    def self.one_at_a_time(shared_folder)
      return yield unless shared_folder

      File.open(shared_folder) do |folder|
        folder.flock(File::LOCK_EX)
        yield
      end
    end

    # Puppet is loaded, with a parent's slot; from now on this worker's own takes its place.
    def self.move(options)
      former = Puppet[:vardir].delete_suffix('/var')
      Puppet[:ssldir] = File.join(options.slot, 'ssl') if Puppet[:ssldir] == File.join(former, 'ssl')
      slot_folders(options.slot).each { |name, folder| Puppet[name] = folder }
      $LOAD_PATH.map! { |path| path.start_with?("#{former}/") ? options.slot + path.delete_prefix(former) : path }
      # Makes the folders.
      Puppet.settings.reuse
    end

    # The settings as a server has them; nothing is made yet.
    def self.settle(options)
      Puppet.settings.preferred_run_mode = :server
      Puppet.initialize_settings(flags(options), true, true)
      log_to_standard_streams
      defaults = Puppet::Settings.app_defaults_for_run_mode(Puppet::Util::RunMode[:server])
      Puppet.settings.initialize_app_defaults(defaults.merge(name: 'server', facts_terminus: 'json'))
    end

    def self.flags(options)
      site = site_folders(options)
      # Puppet sets the modes of what lies there. A master that calls no other service needs none of it.
      site[:ssldir] = File.join(options.slot, 'ssl') unless File.owned?(site[:ssldir])
      given = site.merge(options.to_h.slice(*SITE, :confdir, :environment_timeout).compact)
      # Run as the user that the supervisor chose: Puppet hands nothing over to its own.
      given[:user] = name_of { Etc.getpwuid(Process.euid).name } || Process.euid.to_s
      given[:group] = name_of { Etc.getgrgid(Process.egid).name } || Process.egid.to_s
      # A plugin that could not be loaded once is not looked for again: code comes with the next generation.
      given[:always_retry_plugins] = 'false'
      arguments(given.merge(slot_folders(options.slot)))
    end

    # Containers run under numbers that nobody has named.
    def self.name_of
      yield
    rescue ArgumentError
      nil
    end

    # What the site's own puppet.conf says of the folders that we were not told. Asked in a child: here the site's
    # vardir would come onto the load path.
    def self.site_folders(options)
      reader, writer = IO.pipe
      child = fork do
        reader.close
        answer = begin
          ask_puppet_conf(options)
        rescue StandardError => e
          { error: e.message }
        end
        writer.write(JSON.generate(answer))
        writer.close
        exit!(0)
      end
      writer.close
      answer = JSON.parse(reader.read, symbolize_names: true)
      Process.wait(child)
      raise answer[:error] if answer[:error]

      answer
    end

    def self.ask_puppet_conf(options)
      # Puppet keeps a service's files below the user's home unless that user is root.
      Puppet.features.define_singleton_method(:root?) { true }
      complaints = []
      Puppet::Util::Log.newdestination(Puppet::Test::LogCollector.new(complaints))
      Puppet.initialize_settings(arguments(options.to_h.slice(:confdir, :codedir).compact), true, true)
      # It would go on with its defaults, and so serve another site than the one that was meant.
      broken = complaints.find { |message| message.level == :err }
      raise broken.message if broken

      # Only now: initializing has set it to :user.
      Puppet.settings.preferred_run_mode = :server
      ASKED.to_h { |name| [name, Puppet[name]] }
    end

    def self.arguments(settings)
      settings.flat_map do |name, value|
        %w[true false].include?(value) ? ["--#{'no-' if value == 'false'}#{name}"] : ["--#{name}", value]
      end
    end

    def self.log_to_standard_streams
      Puppet[:color] = 'false'
      Puppet::Util::Log.newdestination(:console)
    end

    # One line a catalog is Puppet's own default, and more than a log of many workers wants.
    def self.log_level=(given)
      given ||= Puppet.settings.set_by_config?(:log_level) ? Puppet[:log_level] : 'warning'
      Puppet[:log_level] = given
    end

    # `terminus_class=` would hold for this thread alone.
    def self.serve_from_disk
      { file_content: :file_server, file_metadata: :file_server, file_bucket_file: :file }.each do |name, terminus|
        Puppet::Indirector::Indirection.instance(name).set_global_setting(:terminus_class, terminus)
      end
    end
  end
end
