# frozen_string_literal: true

# What happened in a soak, for a person: ruby soak_story.rb FOLDER. Exit 0 if every run converged, nothing was lost and
# memory stayed flat.

require 'json'

folder = ARGV.fetch(0)
status = JSON.parse(File.read("#{folder}/status.json"))
events = JSON.parse(File.read("#{folder}/events.json"))
events = events.fetch('events') if events.is_a?(Hash)
exits = events.map { |event| event['exit'] }.compact
runs = Dir["#{folder}/runs/*.tsv"].flat_map { |file| File.readlines(file, chomp: true).map { |line| line.split("\t") } }
memory = File.readlines("#{folder}/memory.tsv", chomp: true).map { |line| line.split("\t").map(&:to_i) }

# What a process may grow by from the first quarter of the time to the last.
GROWTH = 1.25
ROOM = 4 << 10

def median(values)
  values.sort[values.size / 2] || 0
end

# The first minute is for what is made once.
settled = memory.select { |sample| sample[0] >= 60 }
settled = memory if settled.size < 4
quarter = [settled.size / 4, 1].max
first, last = settled.first(quarter), settled.last(quarter)
grown = %w[supervisor proxy].each_with_index.map do |name, index|
  before, after = [first, last].map { |samples| median(samples.map { |sample| sample[index + 1] }) }
  puts format('%<name>-11s PSS %<before>.1f MiB in the first quarter, %<after>.1f MiB in the last',
              name: name, before: before / 1024.0, after: after / 1024.0)
  after > before * GROWTH && after > before + ROOM
end
masters = memory.flat_map { |sample| sample.drop(3) }.reject(&:zero?)
puts format('masters     PSS median %<median>.1f MiB, at most %<most>.1f MiB',
            median: median(masters) / 1024.0, most: (masters.max || 0) / 1024.0)

good = runs.count { |run| %w[0 2].include?(run[1]) }
reasons = exits.map { |exit| exit['reason'] }.tally.map { |reason, count| "#{reason} #{count}" }.join(', ')
responses = status.dig('proxy', 'responses_total')
lost = exits.sum { |exit| exit['requests_lost'] }
cut = responses['none']
failed = responses['5xx']
shed = status['pools'].sum { |pool| pool['shed_total'] }

puts "#{runs.size} agents' runs, #{good} converged; #{status.dig('proxy', 'requests_total')} requests, " \
     "#{status.dig('proxy', 'files_total')} of them files from disk"
puts "#{exits.size} masters replaced: #{reasons}; #{lost} requests lost with them"
puts "#{failed} answers of 5xx, #{cut} cut off, #{shed} shed; #{events.count { |event| event['kind'] == 'wipe_failed' }} " \
     'wipes failed'

checks = {
  'every run converged' => !runs.empty? && good == runs.size,
  'no request was lost, cut off or refused' => [lost, cut, failed, shed].all?(&:zero?),
  'masters were replaced, by their timers' => exits.any? && exits.all? { |exit| exit['reason'] == 'timer' },
  'what they cached was wiped' => events.none? { |event| event['kind'] == 'wipe_failed' },
  'memory is flat' => grown.none?
}
checks.each { |what, held| puts "  #{held ? 'yes' : 'NO '}  #{what}" }
exit checks.values.all? ? 0 : 1
