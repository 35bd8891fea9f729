# A masterpool with stub masters and its dashboard, for one story.
require "fileutils"
require "json"
require "net/http"
require "socket"
require "tmpdir"

class Pool
  Failed = Class.new(StandardError)

  attr_reader :directory, :control, :port, :token
  attr_accessor :settings

  # Gives the block a pool that serves, and ends it whatever happens.
  def self.open(programs, **options)
    pool = new(programs, **options)
    pool.start
    yield pool
  ensure
    pool&.close
  end

  # - pools: names and numbers of workers; - more: lines of YAML within each pool; - options: of the stub masters.
  def initialize(programs, pools: { "masters" => 3 }, more: [], options: [], with_token: false)
    @programs = programs
    @directory = Dir.mktmpdir("mp-", "/tmp")
    @port, @control = free_ports
    @token = "a-token-of-#{rand(10**12)}"
    File.write("#{@directory}/token", "#{@token}\n", perm: 0o600)
    @settings = yaml(pools, more, options, with_token)
  end

  def start
    File.write("#{@directory}/masterpool.yaml", @settings)
    log = "#{@directory}/log"
    @pid = Process.spawn("#{@programs}/masterpool", "run", "--config", "#{@directory}/masterpool.yaml",
                         out: [log, "a"], err: [log, "a"])
    await("all masters ready") { status&.then { |now| now["pools"].all? { |pool| pool["ready"] == pool["size"] } } }
  end

  # As `kill -9` ends a supervisor: the proxy and the masters go on.
  def kill
    Process.kill(:KILL, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  def stop
    return unless @pid
    Process.kill(:TERM, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  def close
    # One that was killed has left its proxy and its masters, which only another can find.
    start if @pid.nil? && File.exist?("#{@directory}/run")
    stop
  rescue Failed, SystemCallError
    warn log
  ensure
    FileUtils.remove_entry(@directory, true)
  end

  def url = "http://127.0.0.1:#{@control}/"
  def log = File.exist?("#{@directory}/log") ? File.read("#{@directory}/log") : ""

  def get(path)
    answer = http(@control) { |open| open.get(path) }
    answer.is_a?(Net::HTTPOK) ? JSON.parse(answer.body) : nil
  rescue SystemCallError, EOFError, IOError
    nil
  end

  def status = get("/v1/status")
  def events(query = "limit=10000") = get("/v1/events?#{query}") || []

  # By the socket's door, as the command line does it.
  def command(*words)
    done = system("#{@programs}/masterpool", *words, "--control", "#{@directory}/run/control.sock", out: File::NULL)
    raise Failed, "masterpool #{words.join(' ')} failed" unless done
  end

  def request(path = "/work?bytes=100") = http(@port) { |open| open.get(path) }.code.to_i

  def await(what, seconds: 60)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    loop do
      value = yield
      return value if value
      raise Failed, "#{what} did not come; its log:\n#{log.lines.last(40).join}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep 0.05
    end
  end

  private

  def http(port, &block) = Net::HTTP.new("127.0.0.1", port, nil).tap { |one| one.read_timeout = 60 }.start(&block)

  def free_ports
    servers = Array.new(2) { TCPServer.new("127.0.0.1", 0) }
    servers.map { |server| server.addr[1] }
  ensure
    servers.each(&:close)
  end

  def yaml(pools, more, options, with_token)
    stub = ["#{@programs}/stub-master", "--socket", "{socket}", "--pool", "{pool}", "--slot", "{index}", "--generation",
            "{generation}"] + options
    lines = ["state_dir: #{@directory}/state", "run_dir: #{@directory}/run", "listen:", "  - address: 127.0.0.1:#{@port}", "pools:"]
    pools.each do |name, workers|
      lines += ["  #{name}:", "    master: command", "    command: #{JSON.generate(stub)}", "    workers: #{workers}"]
      lines += more.map { |line| "    #{line}" }
    end
    lines += ["routes:"] + pools.keys.drop(1).map { |name| "  - {path: /#{name}/, allow: any, pool: #{name}}" }
    lines += ["  - {path: /, allow: any, pool: #{pools.keys.first}}", "control:", "  socket: control.sock", "  listen: 127.0.0.1:#{@control}"]
    lines << "  token_file: #{@directory}/token" if with_token
    "#{lines.join("\n")}\n"
  end
end
