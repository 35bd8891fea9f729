Story.tell "a lost supervisor is said to be lost, and when it is back nothing is missing or there twice" do
  at_the_dashboard do
    browser.run("window.sameVisit = true")
    pool.kill
    wait("the loss in words") { browser.text("#link-words") =~ /^Connection lost, last seen \d\d:\d\d:\d\d$/ }
    wait("the headline") { browser.text("#headline") =~ /^No answer from the supervisor; at \d\d:\d\d:\d\d it was: All 3 masters well$/ }
    wait("the next attempt") { browser.text("#link-count") =~ /^trying again/ }
    expect("the masters stay in sight", browser.texts(".workers tbody tr").size, 3)
    pool.start
    browser.press_if_shown("#link-retry")
    wait("live again") { browser.text("#link-words") == "Live" }
    wait("well again") { browser.text("#headline") == "All 3 masters well" }
    pool.command("restart", "masters/2", "--wait")
    same("the ledger", -> { ledger_ids }, -> { pool.events("limit=40").map { |event| event["id"] }.reverse.first(ledger_ids.size) })
    expect("from the time before", ledger_ids.min, 1)
    expect("each once, none left out", ledger_ids, pool.events.map { |event| event["id"] }.reverse)
    expect("no reload", browser.run("return window.sameVisit"))
    calm(but: /ERR_CONNECTION_REFUSED|502|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/)
  end
end
