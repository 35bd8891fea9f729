# frozen_string_literal: true

# Called by recycle.sh: `facts FILE ROOT` writes this machine's facts as the demo's node has them; `measure …` replaces
# workers, asks them for catalogs and prints one row of the table.

require 'json'
require 'socket'
require 'time'
require 'uri'

NODE = 'web-1.demo'
WORKERS = 4

def write_facts(file, root)
  require 'facter'
  File.write(file, JSON.generate(name: NODE, values: Facter.to_hash.merge('demo_root' => root)))
end

# One masterpool with its workers.
class Site
  def initialize(program, folder, facts)
    @program = program
    @folder = folder
    @body = form(facts)
  end

  def ask(*words)
    answer = IO.popen([@program, *words, '--control', "#{@folder}/run/control.sock"], &:read)
    raise "masterpool #{words.join(' ')} failed" unless $?.success?

    answer
  end

  def workers
    JSON.parse(ask('status', '--json'))['pools'][0]['workers'].select { |worker| worker['state'] == 'ready' }
  end

  def events
    JSON.parse(ask('events', '--json', '--limit', '1000'))
  end

  # Seconds from the command to the successor's readiness.
  def replace(slot)
    ask('restart', "masters/#{slot}", '--wait')
    seen = events
    asked = seen.rindex { |event| event['kind'] == 'command' }
    ready = seen[asked..].find { |event| event['kind'] == 'ready' && event['slot'] == slot }
    Time.parse(ready['at']) - Time.parse(seen[asked]['at'])
  end

  # Straight from the worker, as the front asks it.
  def catalog(worker)
    socket = UNIXSocket.new("#{@folder}/run/masters/#{worker['slot']}.#{worker['generation']}.sock")
    socket.write("POST /puppet/v3/catalog/#{NODE}?environment=production HTTP/1.1\r\nHost: puppet\r\n" \
                 "Connection: close\r\nX-Client-Verify: SUCCESS\r\nX-Client-DN: CN=#{NODE}\r\n" \
                 "Accept: application/vnd.puppet.rich+json, application/json\r\n" \
                 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: #{@body.bytesize}\r\n\r\n#{@body}")
    answer = socket.read
    raise answer[0, 500] unless answer.start_with?('HTTP/1.1 200')
  ensure
    socket&.close
  end

  private

  def form(file)
    facts = JSON.parse(File.read(file)).merge('timestamp' => Time.now.iso8601)
    twice = URI.encode_www_form_component(URI.encode_www_form_component(JSON.generate(facts)))
    "facts_format=application%2Fjson&facts=#{twice}&environment=production&configured_environment=production" \
      '&check_environment=false&transaction_uuid=bench&job_uuid=&static_catalog=true&checksum_type=sha256'
  end
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def median(numbers)
  sorted = numbers.sort
  (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
end

def pss_mib(pid)
  File.read("/proc/#{pid}/smaps_rollup")[/^Pss:\s+(\d+)/, 1].to_i / 1024.0
end

# Of `numbers.json` beside it: the row of the cold ones comes first.
def share(value, cold)
  format('%.2f', value / cold)
end

def measure(program, folder, facts, catalogs, restarts, label, numbers)
  site = Site.new(program, folder, facts)
  times = Array.new(restarts) { (0...WORKERS).map { |slot| site.replace(slot) } }.flatten
  sleep 1
  workers = site.workers
  raise "#{workers.size} workers are ready" unless workers.size == WORKERS

  fresh = workers.sum { |worker| pss_mib(worker['pid']) } / WORKERS
  first = workers.map do |worker|
    began = now
    site.catalog(worker)
    now - began
  end
  (catalogs - 1).times { workers.each { |worker| site.catalog(worker) } }
  used = workers.sum { |worker| pss_mib(worker['pid']) } / WORKERS
  line = site.events.reverse.find { |event| event['kind'] == 'parent' && event['message'] =~ / started, pid (\d+)/ }
  parent = line && pss_mib(line['message'][/ started, pid (\d+)/, 1])
  row = { 'ready' => median(times), 'fresh' => fresh, 'used' => used }
  File.write(numbers, JSON.generate(row)) unless line
  cold = JSON.parse(File.read(numbers))
  puts format('| %s | %.0f ms | %.0f ms | %s | %.2f s | %.1f MiB | %s | %.1f MiB | %s | %s |', label,
              median(times) * 1000, times.max * 1000, share(row['ready'], cold['ready']), median(first),
              fresh, share(fresh, cold['fresh']), used, share(used, cold['used']),
              parent ? format('%.1f MiB', parent) : '')
end

case ARGV.shift
when 'facts' then write_facts(*ARGV)
when 'measure'
  program, folder, facts, catalogs, restarts, label, numbers = ARGV
  measure(program, folder, facts, catalogs.to_i, restarts.to_i, label, numbers)
else abort 'recycle.rb facts FILE ROOT | measure …'
end
