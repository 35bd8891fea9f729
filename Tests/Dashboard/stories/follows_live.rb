def generation(name) = browser.text("tr[data-worker='#{name}'] .generation")

Story.tell "what happens is shown as it happens, in words first" do
  at_the_dashboard do
    browser.run("window.sameVisit = true")
    browser.choose("#ledger-filters [name=kind]", "exit")
    pool.command("restart", "masters/1", "--wait")
    wait("its successor") { generation("masters/1") == "#2" }
    wait("its exit, within the filter") { browser.texts("#ledger-table .what").first =~ /^masters\/1#1 ended: manual/ }
    expect("only exits", browser.texts("#ledger-table .kind").uniq, ["exit"])
    wait("its mark") { browser.run("return document.querySelectorAll('[data-worker=\"masters/1\"].chart .event').length") == 1 }

    pool.command("drain", "masters/0")
    wait("the drain in words") { browser.text("#problems") == "Note: masters/0 was taken out by an operator" }
    expect("the headline", browser.text("#headline"), "2 of 3 masters ready")
    pool.command("resume", "masters/0")
    wait("all well again") { browser.text("#headline") == "All 3 masters well" }

    pool.command("scale", "masters", "4")
    wait("a fourth") { browser.text("#headline") == "All 4 masters well" && generation("masters/3") == "#1" }

    pool.request("/work?crash=segv")
    wait("the crash in the headline") { browser.text("#headline") =~ /^All 4 masters ready, but masters.* lost 1 request|^All 4 masters ready, but masters\/\d ended at .*crash/ }
    expect("its level", browser.run("return document.querySelector('#health').dataset.level"), "warn")
    expect("no reload", browser.run("return window.sameVisit"))
  end
end

Story.tell "a master that does not come back is the headline, with since when and why" do
  at_the_dashboard(options: ["--crash-while", "/tmp/mp-crash-#{Process.pid}"]) do
    trap = "/tmp/mp-crash-#{Process.pid}"
    begin
      File.write(trap, "")
      begin
        pool.request("/work?crash=exit")
      rescue EOFError, SystemCallError
        nil
      end
      # In one look: between two of them the next attempt may have begun.
      seen = wait("the back-off") do
        browser.run(<<~'JS').then { |look| look if look["headline"].include?("back-off") && look["row"] }
          const text = (selector) => document.querySelector(selector)?.innerText.replace(/\s+/g, " ").trim();
          return {
            headline: text("#headline"),
            level: document.querySelector("#health").dataset.level,
            title: document.title,
            row: text("tr[data-state=backing_off] .state"),
          };
        JS
      end
      expect("the headline", seen["headline"], %r{^masters/\d is in back-off since \d\d:\d\d:\d\d: .*; failure \d+ in a row, next start in })
      expect("its level", seen["level"], "bad")
      expect("the tab's title", seen["title"], /^Trouble: masters/)
      expect("the row", seen["row"], "backing off")
    ensure
      File.delete(trap)
    end
    wait("all ready again") { browser.text("#headline").start_with?("All 3 masters ready") }
  end
end
