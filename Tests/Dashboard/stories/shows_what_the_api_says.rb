def rows
  browser.run(<<~JS)
    return [...document.querySelectorAll(".workers tbody tr")].map((row) => ({
      name: row.dataset.worker,
      generation: row.querySelector(".generation").textContent.trim(),
      pid: row.querySelector(".pid").textContent.trim(),
      state: row.querySelector(".state .words").textContent,
      requests: row.querySelector(".requests .words").textContent,
      last: row.querySelector(".last .words").textContent,
      memory: row.querySelector(".memory").textContent.trim(),
    }));
  JS
end

def bytes(count)
  return "–" if count.nil?
  units = %w[B KiB MiB GiB]
  number, unit = units.each_with_index.map { |name, power| [count / 1024.0**power, name] }.reverse.find { |size, _| size >= 1 }
  digits = %w[B KiB].include?(unit) || number >= 100 ? 0 : number >= 10 ? 1 : 2
  "#{format("%.#{digits}f", number)} #{unit}"
end

def told
  pool.status["pools"].flat_map do |one|
    one["workers"].map do |worker|
      { "name" => "#{one['name']}/#{worker['slot']}", "generation" => "##{worker['generation']}", "pid" => "pid #{worker['pid']}",
        "state" => worker["state"], "requests" => worker["requests_total"].to_s,
        "last" => worker.dig("last_recycle", "reason") || "none yet",
        "memory" => "#{bytes(worker['memory_bytes'])}of #{bytes(one.dig('limits', 'memory_bytes'))}" }
    end
  end
end

Story.tell "what the page shows is what the API says" do
  at_the_dashboard(pools: { "masters" => 3, "others" => 1 }, more: ["recycle: {memory: 400MiB, every: 1h}"]) do
    5.times { pool.request }
    pool.request("/others/x")
    pool.request("/work?status=404")
    pool.request("/work?status=500")
    pool.command("restart", "masters/1", "--wait")
    same("the masters", -> { rows }, -> { told })
    same("the pools", -> { browser.texts(".pools h2") },
         -> { pool.status["pools"].map { |one| "Pool #{one['name']}: #{one['ready']} of #{one['size']} ready" } })
    expect("the headline", browser.text("#headline"), "All 4 masters well")
    expect("the title", browser.run("return document.title"), "All 4 masters well – masterpool")
    expect("when masters are replaced", browser.text(".pools .facts"), /every 1h, at 400 MiB/)
    shown = -> { browser.run("return [...document.querySelectorAll('#responses tbody tr')].map((row) => [row.dataset.status, row.children[1].textContent])") }
    same("answers by status", -> { shown.call.to_h.reject { |_, total| total == "0" } },
         -> { pool.status.dig("proxy", "responses_total").reject { |_, total| total.zero? }.transform_values(&:to_s) })
    same("the ledger", -> { ledger_ids }, -> { pool.events("limit=40").map { |event| event["id"] }.reverse })
    messages = -> { browser.run("return [...document.querySelectorAll('#ledger-table .what .words')].map((one) => one.textContent)") }
    same("its words", messages, -> { pool.events("limit=40").map { |event| event["message"] }.reverse })
    expect("the version", browser.text("#version"), pool.status["version"])
    wait("a chart for each slot, with samples") do
      labels = browser.run("return [...document.querySelectorAll('#memory-charts .chart-frame')].map((one) => one.getAttribute('aria-label'))")
      labels.size == 4 && labels.all? { |label| label =~ /^Memory of (masters|others)\/\d in the last 15 min: [\d.]+ MiB now/ }
    end
    wait("the restart in its chart") do
      browser.run("return document.querySelector('[data-worker=\"masters/1\"].chart .event title')?.textContent ?? ''") =~ /^by an operator at \d\d:\d\d:\d\d/
    end
    expect("marks elsewhere", browser.run("return document.querySelectorAll('#memory-charts .event').length"), 1)
  end
end
