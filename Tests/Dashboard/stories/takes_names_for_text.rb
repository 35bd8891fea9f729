# Every string that the API gives is made hostile on its way into the page, those of the event stream too.
HOSTILE = <<~JS.freeze
  const evil = `"'><img src=x onerror="window.broken=1"><script>window.broken=1</` + `script><svg onload="window.broken=1">{{7*7}}`;
  const kept = new Set(["at", "kind", "state", "reason", "verdict", "source", "change", "last_seen_at", "last_run_started_at"]);
  const spoil = (value, name) => Array.isArray(value) ? value.map((one) => spoil(one, name))
    : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoil(one, key)]))
    : typeof value === "string" && !kept.has(name) ? value + evil : value;
  const fetched = window.fetch;
  window.fetch = async (address, options) => {
    const path = new URL(address, location.href).pathname;
    if (path === "/v1/nodes") {
      return Response.json(spoil({total: 1, overdue: 0, nodes: [{name: "web", last_seen_at: new Date().toISOString(), last_status: "failed",
        agent_version: "8", requests_total: 1, bytes_total: 1, refused_total: 0, quarantined: true}]}));
    }
    if (path === "/v1/advice") {
      return Response.json(spoil({pools: [{pool: "masters", verdict: "leak", sentence: "It leaks.", advice: {every: "20m"}, reasons: ["why"]}]}));
    }
    if (path === "/v1/settings") return Response.json(spoil({settings: [{key: "a.b", value: "1", source: "file", place: "f:1", change: "live"}]}));
    const answer = await fetched(address, options);
    const type = answer.headers.get("content-type") ?? "";
    if (type.startsWith("application/json") && path === "/v1/status") {
      const status = spoil(await answer.json());
      status.pools[0].quarantined = ["web" + evil];
      status.history = {trouble: "full" + evil, lost_total: 0};
      return Response.json(status);
    }
    if (type.startsWith("application/json")) return Response.json(spoil(await answer.json()));
    if (!type.startsWith("text/event-stream")) return answer;
    const message = JSON.stringify(evil).slice(1, -1);
    const each = new TransformStream({transform: (text, out) => out.enqueue(text.replaceAll('"message":"', '"message":"' + message))});
    return new Response(answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(each).pipeThrough(new TextEncoderStream()),
      {headers: {"content-type": type}});
  };
JS

Story.tell "names and messages that are markup are shown as the text that they are" do
  at_the_dashboard do
    # A message that really comes from the supervisor so.
    refused = system("#{@programs}/masterpool", "release", "<img src=x onerror=alert(1)>", "--control",
                     "#{pool.directory}/run/control.sock", err: File::NULL)
    expect("the release of a node that there is not", refused, false)
    wait("its words, as text") { browser.texts("#ledger-table .what").any? { |text| text.include?("<img src=x onerror=alert(1)> is not quarantined") } }

    browser.cdp("Page.addScriptToEvaluateOnNewDocument", source: HOSTILE)
    browser.visit(pool.url)
    hostile = '<img src=x onerror="window.broken=1">'
    { "#problems" => "a node's name", "#ledger-table" => "a message", ".pools h2" => "a pool's name", ".workers" => "a master's name",
      "#nodes-table" => "a node", "#advice-body" => "advice", "#settings-table" => "a setting", "#memory-charts" => "a chart" }.each do |place, what|
      wait("#{what} as text") { browser.text(place).to_s.include?(hostile) }
    end
    pool.command("restart", "masters/0", "--wait")
    wait("a message of the stream") { browser.texts("#ledger-table .what").first.to_s.include?(hostile) }
    expect("scripts that ran", browser.run("return window.broken ?? null"), nil)
    expect("pictures", browser.run("return [...document.images].map((one) => new URL(one.src).pathname)"), ["/ui/icon.svg"])
    expect("scripts", browser.run("return [...document.scripts].map((one) => new URL(one.src).pathname)"), ["/ui/theme.js", "/ui/main.js"])
    expect("handlers in markup", browser.run("return [...document.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter((one) => /^on/i.test(one.name)).length"), 0)
  end
end

Story.tell "no script of the page makes markup of a string, or has anything from elsewhere" do
  files = Dir[File.join(__dir__, "../../../Sources/CDashboard/page/*")]
  expect("files", files.size, (20..))
  files.each do |file|
    text = File.read(file)
    expect("#{file}: ways from text to markup or code",
           text.scan(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser|createContextualFragment|javascript:/), [])
    expect("#{file}: what is inline", file.end_with?(".html") ? text.scan(/ style=| on[a-z]+=|<script>|<style>/) : [], [])
    places = text.scan(%r{https?://[^\s"'`)]+}) - ["http://www.w3.org/2000/svg", "https://html.spec.whatwg.org/multipage/server-sent-events.html,"]
    expect("#{file}: addresses elsewhere", places, [])
  end
end
