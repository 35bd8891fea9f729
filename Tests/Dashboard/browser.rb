# Debian's Chromium without a window, by its WebDriver: https://www.w3.org/TR/webdriver2/. Standard library alone.
require "base64"
require "fileutils"
require "json"
require "net/http"
require "socket"
require "tmpdir"

class Browser
  Gone = Class.new(StandardError)
  Late = Class.new(StandardError)

  ELEMENT = "element-6066-11e4-a52e-4f735466cecf".freeze # how WebDriver names an element
  WAIT = 20 # seconds for what must come

  # Gives the block a browser, and ends it whatever happens.
  def self.open(**options)
    browser = new(**options)
    yield browser
  ensure
    browser&.close
  end

  def initialize(width: 1280, height: 900, scale: 1)
    @profile = Dir.mktmpdir("mp-browser-")
    start_driver
    options = {
      "args" => %w[--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars
                   --disable-background-networking --disable-component-update --lang=en-US] +
                ["--user-data-dir=#{@profile}/profile", "--window-size=#{width},#{height}"]
    }
    wanted = { "browserName" => "chrome", "goog:chromeOptions" => options, "goog:loggingPrefs" => { "browser" => "ALL" } }
    @session = "/session/#{call(:post, '/session', { capabilities: { alwaysMatch: wanted } }).fetch('sessionId')}"
    size(width, height, scale)
  rescue StandardError
    close
    raise
  end

  def close
    call(:delete, @session) if @session
  rescue StandardError
    nil # It ends with its driver, then.
  ensure
    @session = nil
    end_driver
    FileUtils.remove_entry(@profile, true)
  end

  # As a screen of so many CSS pixels has it; a phone's is below 500, which no window is.
  def size(width, height, scale = 1)
    cdp("Emulation.setDeviceMetricsOverride", width: width, height: height, deviceScaleFactor: scale, mobile: width < 500)
  end

  def prefer(**features)
    cdp("Emulation.setEmulatedMedia",
        features: features.map { |name, value| { name: "prefers-#{name.to_s.tr('_', '-')}", value: value } })
  end

  def cdp(command, **parameters)
    call(:post, "#{@session}/goog/cdp/execute", { cmd: command, params: parameters })
  end

  def visit(url) = call(:post, "#{@session}/url", { url: url })

  # What the body of a function returns; it may await.
  def run(script, *arguments)
    wrapped = "const done = arguments[arguments.length - 1]; const given = [...arguments].slice(0, -1);" \
              "(async (...arguments) => { #{script} })(...given).then((value) => done({value}), (error) => done({error: String(error?.stack ?? error)}));"
    answer = call(:post, "#{@session}/execute/async", { script: wrapped, args: arguments })
    raise Gone, "the script failed: #{answer['error']}" if answer.key?("error")
    answer["value"]
  end

  # Its rendered text, as a person sees it.
  def text(selector) = run("return document.querySelector(arguments[0])?.innerText?.replace(/\\s+/g, ' ').trim() ?? null", selector)

  def texts(selector)
    run("return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText.replace(/\\s+/g, ' ').trim())", selector)
  end

  def visible?(selector) = run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector)

  # By the pointer, as far as it can be reached there.
  def click(selector)
    run("document.querySelector(arguments[0])?.scrollIntoView({block: 'center', behavior: 'instant'})", selector)
    call(:post, "#{@session}/element/#{find(selector)}/click", {})
  end

  # If it is there to be pressed just now.
  def press_if_shown(selector)
    run("const one = document.querySelector(arguments[0]); if (one?.checkVisibility()) one.click();", selector)
  end

  def type(selector, text) = call(:post, "#{@session}/element/#{find(selector)}/value", { text: text })

  def clear(selector) = call(:post, "#{@session}/element/#{find(selector)}/clear", {})

  def choose(selector, value)
    run("const one = document.querySelector(arguments[0]); one.value = arguments[1]; " \
        "one.dispatchEvent(new Event('input', {bubbles: true})); one.dispatchEvent(new Event('change', {bubbles: true}));",
        selector, value)
  end

  # On the keyboard, wherever the focus is.
  def press(*keys)
    actions = keys.flat_map { |key| [{ type: "keyDown", value: key }, { type: "keyUp", value: key }] }
    call(:post, "#{@session}/actions", { actions: [{ type: "key", id: "keyboard", actions: actions }] })
  end

  # The first value of the block that is neither nil nor false.
  def wait(what, seconds: WAIT)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    loop do
      value = yield
      return value if value
      raise Late, "#{what} did not come within #{seconds} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      sleep 0.05
    end
  end

  # What the console has said since it was last asked.
  def console = call(:post, "#{@session}/se/log", { type: "browser" })

  def screenshot(path) = File.binwrite(path, Base64.decode64(call(:get, "#{@session}/screenshot")))

  private

  def find(selector)
    call(:post, "#{@session}/element", { using: "css selector", value: selector }).fetch(ELEMENT)
  end

  def start_driver
    server = TCPServer.new("127.0.0.1", 0)
    @port = server.addr[1]
    server.close
    @driver = Process.spawn("chromedriver", "--port=#{@port}", out: "#{@profile}/driver.log", err: [:child, :out], pgroup: true)
    wait("chromedriver") do
      raise Gone, File.read("#{@profile}/driver.log") if Process.wait(@driver, Process::WNOHANG)
      call(:get, "/status")["ready"]
    rescue SystemCallError
      false
    end
  end

  def end_driver
    return unless @driver
    Process.kill(:TERM, -@driver)
    Process.wait(@driver)
    # What Chromium left in its driver's group.
    Process.kill(:KILL, -@driver)
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  ensure
    @driver = nil
  end

  def call(method, path, body = nil)
    request = { get: Net::HTTP::Get, post: Net::HTTP::Post, delete: Net::HTTP::Delete }.fetch(method).new(path)
    request.body = JSON.generate(body) if body
    request["Content-Type"] = "application/json" if body
    http = Net::HTTP.new("127.0.0.1", @port, nil) # Not by a proxy that the environment names.
    http.read_timeout = 60
    answer = JSON.parse(http.start { |open| open.request(request) }.body)["value"]
    raise Gone, "#{answer['error']}: #{answer['message'].to_s.lines.first}" if answer.is_a?(Hash) && answer["error"] && answer["stacktrace"]
    answer
  end
end
