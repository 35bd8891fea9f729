# frozen_string_literal: true

# What happened in a demo, for a person: ruby demo_story.rb FOLDER. Exit 0 if every agent converged and no request
# was lost.

require 'json'

folder = ARGV.fetch(0)
STATUS = JSON.parse(File.read("#{folder}/status.json"))
events = JSON.parse(File.read("#{folder}/events.json"))
EVENTS = events.is_a?(Hash) ? events.fetch('events') : events
LOG = File.readlines("#{folder}/masterpool.log", encoding: 'UTF-8').map(&:scrub)
GREEN, RED, PLAIN = $stdout.tty? ? ["\e[32m", "\e[31m", "\e[0m"] : ['', '', '']

Run = Struct.new(:node, :number, :status, :seconds, :resources, :changed)
RUNS = Dir["#{folder}/runs/*.tsv"].sort.flat_map do |file|
  File.readlines(file, chomp: true).map do |line|
    number, status, seconds, resources, changed = line.split("\t")
    Run.new(File.basename(file, '.tsv'), number.to_i, status.to_i, seconds.to_f, resources.to_i, changed.to_i)
  end
end

def count(number, one, many = "#{one}s")
  number == 1 ? "1 #{one}" : "#{number} #{many}"
end

def size(bytes)
  return "#{bytes} B" if bytes < 1024

  bytes < 1 << 20 ? "#{bytes >> 10} KiB" : format('%.1f MiB', bytes / 1048576.0)
end

# Worker by name ("masters/0#1") => { node => catalogs }, from the line that Puppet logs for each catalog.
def catalogs
  found = Hash.new { |all, worker| all[worker] = Hash.new(0) }
  LOG.each do |line|
    worker, node = line.match(%r{ ([\w-]+/\d+#\d+) pid \d+: Notice: Compiled catalog for (\S+) in environment})&.captures
    found[worker][node] += 1 if worker
  end
  found
end

def tell_agents
  puts '  Agents'
  RUNS.group_by(&:node).each do |node, runs|
    changing, quiet = runs.partition { |run| run.status == 2 }
    failed = runs.reject { |run| [0, 2].include?(run.status) }
    words = ["#{count(runs.size, 'run')} over #{runs.map(&:resources).max} resources"]
    words << "#{changing.map(&:changed).max} changed at first" unless changing.empty?
    words << "nothing left to change in #{(quiet - failed).size}" unless (quiet - failed).empty?
    words << "#{RED}#{failed.size} FAILED#{PLAIN} (#{failed.map { |run| "run #{run.number}: exit #{run.status}" }.join(', ')})" unless failed.empty?
    puts format('    %-12s %s', node, words.join(', '))
  end
end

def served(worker, by_worker)
  nodes = by_worker[worker].sort.map { |node, times| times == 1 ? node : "#{node} (#{times})" }
  nodes.empty? ? 'no catalogs' : "catalogs for #{nodes.join(', ')}"
end

def tell_replaced(exits, by_worker)
  puts '  Masters that were replaced'
  exits.each do |event|
    row = event.fetch('exit')
    worker = "#{event['pool']}/#{event['slot']}##{event['generation']}"
    puts format('    %-12s pid %s lived %.0f s and answered %s: %s', worker, row['pid'], row['age_seconds'],
                count(row['requests_served'], 'request'), served(worker, by_worker))
    why = row['measured'] ? "#{row['reason']} (#{row['measured']}, limit #{row['limit']})" : row['reason']
    drained = row['drain_seconds'] ? format('drained in %.1f s, ', row['drain_seconds']) : ''
    puts "                 why: #{why}; #{drained}#{row['status']}; #{count(row['requests_lost'], 'request')} lost; " \
         "wiped #{count(row['wiped_entries'], 'file or folder', 'files and folders')}, #{size(row['wiped_bytes'])}"
  end
end

def tell_living(by_worker)
  puts '  Masters that serve now'
  STATUS.fetch('pools').each do |pool|
    pool.fetch('workers').each do |row|
      worker = "#{pool['name']}/#{row['slot']}##{row['generation']}"
      puts format('    %-12s pid %s, %s, %s of memory, %s: %s', worker, row['pid'], row['state'], size(row['memory_bytes'].to_i),
                  count(row['requests_total'], 'request'), served(worker, by_worker))
    end
  end
end

# The sentences that this run has to answer for.
def verdict(exits)
  proxy = STATUS.fetch('proxy')
  responses = proxy.fetch('responses_total')
  failed = RUNS.reject { |run| [0, 2].include?(run.status) }
  cut = responses['none'].to_i
  lost = exits.sum { |event| event['exit']['requests_lost'] }
  unwiped = EVENTS.select { |event| event['kind'] == 'wipe_failed' }
  pools = STATUS.fetch('pools')
  puts '  In all'
  puts "    #{count(proxy['requests_total'], 'request')} through the front: " \
       "#{%w[2xx 3xx 4xx 5xx].map { |kind| "#{responses[kind].to_i} × #{kind}" }.join(', ')}; " \
       "#{proxy['retried_total']} sent to a second master, #{pools.sum { |pool| pool['shed_total'] }} refused for want of one"
  {
    "every agent converged, all #{RUNS.size} runs" => failed.empty?,
    "no request was lost: #{cut} cut off, #{lost} lost with a master, #{responses['5xx'].to_i} answered with 5xx" =>
      (cut + lost + responses['5xx'].to_i).zero?,
    "every master was replaced: #{count(exits.size, 'exit')} in a pool of #{pools.sum { |pool| pool['size'] }}" =>
      exits.size >= pools.sum { |pool| pool['size'] },
    "nothing that a replaced master cached was left: #{count(unwiped.size, 'wipe')} failed" =>
      unwiped.empty? && exits.all? { |event| event['exit']['wiped_entries'].positive? }
  }
end

exits = EVENTS.select { |event| event['kind'] == 'exit' }.sort_by { |event| event['id'] }
by_worker = catalogs
tell_agents
tell_replaced(exits, by_worker)
tell_living(by_worker)
sentences = verdict(exits)
sentences.each { |sentence, holds| puts "    #{holds ? "#{GREEN}yes#{PLAIN}" : "#{RED}NO#{PLAIN} "}  #{sentence}" }
exit(sentences.values.all? ? 0 : 1)
