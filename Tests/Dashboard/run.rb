# The dashboard in headless Chromium, in front of a real masterpool with stub masters. Exit 0: every story is true.
require_relative "story"

programs, *wanted = ARGV
if programs.nil?
  warn "Usage: ruby run.rb FOLDER-OF-PROGRAMS [STORY…]; a story is a file in stories/, without its ending"
  exit 64
end
Thread.report_on_exception = false
folder = File.join(__dir__, "stories")
names = wanted.empty? ? Dir.children(folder).sort.map { |file| File.basename(file, ".rb") } : wanted
failures = 0
names.each do |name|
  Story.all.clear
  load File.join(folder, "#{name}.rb")
  Story.all.each do |words, body|
    story = Story.new(programs)
    begin
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      story.instance_eval(&body)
      puts format("ok %s: %s (%.1f s)", name, words, Process.clock_gettime(Process::CLOCK_MONOTONIC) - started)
    rescue StandardError => e
      failures += 1
      puts "NOT ok #{name}: #{words}\n  #{e.message}\n  #{e.backtrace.grep(/Dashboard/).first(4).join("\n  ")}"
    end
  end
end
exit(failures.zero? ? 0 : 1)
