# frozen_string_literal: true

require 'json'
require 'masterpool/boot'

module MasterPool
  # One catalog, compiled before any worker is forked: it says whether the code compiles at all, and what it made Puppet
  # load is there for every worker.
  #
  # It goes nowhere: no facts are saved, no report comes of it, no cache is asked or filled but in the parent's own folder.
  module Canary
    # `deployed`: an environment that is to compile too; nil: the node's own alone.
    def self.run(options, deployed)
      compiler = Puppet::Resource::Catalog.indirection.terminus(:compiler)
      return unless options.canary

      values = JSON.generate(values_of(options.canary_facts))
      own = compile(compiler, options.canary, values, nil)
      compile(compiler, options.canary, values, deployed) if deployed && deployed != own.to_s
    ensure
      # Connections, as to PuppetDB, are not to be shared.
      Puppet.runtime[:http].close
    end

    # Returns the environment in which it compiled. The facts are read anew for each: a compilation freezes its own.
    def self.compile(compiler, name, values, wanted)
      environment = wanted || Puppet[:environment]
      node = compiler.send(:find_node, name, lookup(environment), nil, environment, facts(name, values))
      # A classifier has the last word, except over what is being deployed.
      node.environment = lookup(environment) if wanted || node.environment.nil?
      catalog = Puppet.override({ trusted_information: Puppet::Context::TrustedInformation.remote(true, name, nil) },
                                'canary') do
        request = Puppet::Resource::Catalog.indirection.request(:find, name, nil, environment: node.environment, use_node: node)
        compiler.find(request)
      end
      compiler.filter(catalog).to_resource.render('json')
      node.environment
    rescue StandardError, ScriptError, SystemStackError => e
      raise "the canary #{name} does not compile in #{environment}: #{e.message}"
    end

    def self.lookup(environment)
      Puppet.lookup(:environments).get!(environment)
    end

    # A file has them as `puppet facts` or a report of them says them; without one this machine's stand for the node's.
    def self.values_of(file)
      given = file ? JSON.parse(File.read(file)) : Facter.to_hash
      given['values'].is_a?(Hash) ? given['values'] : given
    rescue SystemCallError, JSON::ParserError => e
      raise "the canary's facts cannot be read: #{e.message}"
    end

    def self.facts(name, values)
      facts = Puppet::Node::Facts.new(name, JSON.parse(values))
      facts.sanitize
      facts
    end

    private_class_method :compile, :lookup, :values_of, :facts
  end
end
