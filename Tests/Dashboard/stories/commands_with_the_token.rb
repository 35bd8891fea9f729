def reply = browser.texts(".reply").last.to_s

# Presses a button, looks at the question and says yes.
def act(button, title)
  browser.click(button)
  expect("the question", browser.text("#act-title"), title)
  yield if block_given?
  browser.click("#act-go")
  wait("the dialog's end") { !browser.visible?("#act-dialog") }
end

Story.tell "with the token an operator recycles, drains, resumes and scales; without it there is nothing to press" do
  at_the_dashboard(with_token: true) do
    expect("commands without a token", browser.run("return [...document.querySelectorAll('.acts button')].filter((one) => one.checkVisibility()).length"), 0)
    unlock("not-the-token-of-this-one")
    wait("the refusal") { browser.text("#token-wrong") == "This is not the token." }
    browser.press("\uE00C") # Escape
    wait("the dialog's end") { !browser.visible?("#token-dialog") }
    unlock
    expect("where it is kept", browser.run("return [Object.values(sessionStorage).includes(arguments[0]), JSON.stringify(localStorage), document.cookie]", pool.token), [true, "{}", ""])

    row = "tr[data-worker='masters/1']"
    act("#{row} .recycle", "Recycle masters/1?")
    wait("the reply") { reply.include?("recycling masters/1, manual") }
    wait("its successor") { browser.text("#{row} .generation") == "#2" }
    wait("who asked, in the ledger") { browser.texts("#ledger-table .what").any? { |text| text =~ /recycling masters\/1, manual by token from 127\.0\.0\.1/ } }

    browser.click("#{row} .recycle")
    browser.click("#act-dialog [value=cancel]")
    expect("after a no", [browser.visible?("#act-dialog"), pool.events("kind=command").size], [false, 1])

    act("#{row} .hold", "Drain masters/1?")
    wait("the drain") { browser.text("#{row} .state .words") == "drained" && browser.text("#{row} .hold") == "Resume" }
    act("#{row} .hold", "Resume masters/1?")
    wait("its return") { browser.text("#{row} .state .words") == "ready" }

    act(".pools .card-head .acts button:last-child", "Scale masters") do
      browser.clear("#act-value")
      browser.type("#act-value", "none")
      browser.click("#act-go")
      expect("what is wrong", browser.text("#act-wrong"), "A number from 1 to 1024.")
      expect("a name for its field", browser.run("return document.querySelector('#act-value').labels[0].textContent"), "Masters wanted")
      browser.clear("#act-value")
      browser.type("#act-value", "2")
    end
    wait("two masters") { browser.text("#headline") == "All 2 masters well" && browser.texts(".workers tbody tr").size == 2 }
    act(".pools .card-head .acts button:first-child", "Recycle masters?")
    wait("all new") { browser.texts(".workers .generation") == ["#2", "#3"] }

    wait("the settings") { browser.visible?("#settings-table") }
    browser.click("#settings-filters [name=changed]")
    key = "pools.masters.recycle.jitter"
    told = pool.get("/v1/settings")["settings"].map { |one| one["key"] }
    wait("every setting") { browser.run("return [...document.querySelectorAll('#settings-table tbody tr')].map((one) => one.dataset.key)") == told }
    setting = "#settings-table tr[data-key='#{key}']"
    act("#{setting} .acts button", "Set #{key}") do
      browser.clear("#act-value")
      browser.type("#act-value", "7")
      browser.click("#act-go")
      wait("what is wrong") { browser.text("#act-wrong") == "#{key}: 7 has no unit; write 7%" }
      browser.clear("#act-value")
      browser.type("#act-value", "7%")
    end
    wait("the new value") { browser.text("#{setting} .value") == "7%" && browser.text("#{setting} .from") == "set live by token from 127.0.0.1" }
    expect("nothing to press for what needs a start", browser.visible?("#settings-table tr[data-key='state_dir'] .acts button"), false)

    look # Loaded again, in the same tab.
    expect("still unlocked", browser.text("#unlock"), "Lock")
    browser.click("#unlock")
    expect("locked", [browser.text("#unlock"), browser.run("return Object.keys(sessionStorage).length"), browser.visible?(".recycle")], ["Unlock", 0, false])
    calm(but: %r{/v1/commands.* (401|409) })
  end
end

Story.tell "an address without a token says that it takes no commands" do
  at_the_dashboard do
    unlock("whatever-it-may-be")
    wait("why not") { browser.text("#token-wrong") =~ /^This address takes no commands: .*read-only/ }
    calm(but: %r{/v1/commands.* 403 })
  end
end
