# What a story is told with: a pool, a browser on its dashboard, and words for what is not as it should be.
require_relative "browser"
require_relative "pool"

# Commands need the token, where the supervisor takes one.
WITH_TOKEN = true

class Story
  Wrong = Class.new(StandardError)

  @all = []
  class << self
    attr_reader :all

    # - words: what the story shows; - body: run with the story as self.
    def tell(words, &body) = all << [words, body]
  end

  attr_reader :pool, :browser

  def initialize(programs) = @programs = programs

  # A pool, and a browser that sees its dashboard live.
  def at_the_dashboard(**options)
    Pool.open(@programs, **options) do |pool|
      @pool = pool
      Browser.open do |browser|
        @browser = browser
        look
        yield
        calm
      end
    end
  end

  def look
    browser.visit(pool.url)
    wait("the live page") { browser.text("#link-words") == "Live" && browser.texts(".workers tbody tr").any? }
  end

  # As an operator does it, with the keyboard.
  def unlock(with = pool.token)
    browser.click("#unlock")
    browser.clear("#token")
    browser.type("#token", with)
    browser.press("\uE007") # Return
    wait("commands") { browser.text("#unlock") == "Lock" } if with == pool.token
  end

  def wait(what, &block) = browser.wait(what, &block)

  # Waits until both are the same: the page follows by a moment.
  def same(what, shown, told)
    now = nil
    wait(what) do
      now = [shown.call, told.call]
      now[0] == now[1]
    end
  rescue Browser::Late
    raise Wrong, "#{what}: the page shows #{now[0].inspect}, the API says #{now[1].inspect}"
  end

  def expect(what, found, wanted = true)
    return if wanted === found
    raise Wrong, "#{what}: #{found.inspect}, not #{wanted.inspect}"
  end

  # Nothing was complained of in the console, but that the supervisor was away, where it was.
  def calm(but: nil)
    bad = browser.console.select { |line| line["level"] == "SEVERE" }.map { |line| line["message"] }
    # How a token is tried: by a command that says nothing.
    bad.reject! { |line| line =~ %r{/v1/commands\b.* 400 } }
    bad.reject! { |line| but&.match?(line) }
    expect("errors in the console", bad, [])
  end

  # The rows of the ledger as shown: their numbers.
  def ledger_ids
    browser.run("return [...document.querySelectorAll('#ledger-table tbody tr')].map((one) => Number(one.dataset.event))")
  end
end
