def asked(query)
  pool.events("limit=40&#{query}").map { |event| event["id"] }.reverse
end

Story.tell "the ledger's filters ask for what the API finds" do
  at_the_dashboard(pools: { "masters" => 2, "others" => 1 }) do
    4.times { pool.command("restart", "masters", "--wait") }
    pool.command("scale", "masters", "1")
    pool.await("the exit of what was too many") { pool.events("limit=50&reason=scale").any? }
    {
      { kind: "exit" } => "kind=exit", { reason: "scale" } => "kind=exit&reason=scale", { pool: "others" } => "kind=exit&reason=scale&pool=others",
      { reason: "", kind: "" } => "pool=others", { slot: "0" } => "slot=others/0", { pool: "masters", kind: "ready" } => "slot=masters/0&kind=ready",
      { since: "1h" } => "slot=masters/0&kind=ready&since=1h"
    }.each do |changes, query|
      changes.each { |name, value| browser.choose("#ledger-filters [name=#{name}]", value) }
      same("with #{query}", -> { ledger_ids }, -> { asked(query) })
    end
    expect("a filter that finds", asked("slot=masters/0&kind=ready").size, 5)

    browser.choose("#ledger-filters [name=since]", "between")
    expect("room for the times", browser.visible?("#ledger-filters [name=from]"))
    browser.choose("#ledger-filters [name=from]", "2001-01-01T00:00:00")
    browser.choose("#ledger-filters [name=to]", "2002-01-01T00:00:00")
    wait("no entry of 2001") { browser.visible?("#ledger-none") && ledger_ids.empty? }

    browser.click("#ledger-filters [type=reset]")
    same("without filters", -> { ledger_ids }, -> { asked("") })
    expect("older ones are there", browser.visible?("#ledger-older"))
    same("all, page after page", -> { browser.press_if_shown("#ledger-older"); ledger_ids },
         -> { pool.events.map { |event| event["id"] }.reverse })
    expect("nothing older", browser.visible?("#ledger-older"), false)
  end
end
