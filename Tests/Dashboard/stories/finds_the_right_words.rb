# The parts that decide what to say, asked by themselves.
JUDGED = <<~JS.freeze
  const { judge } = await import("/ui/health.js");
  const now = new Date("2026-11-23T12:00:00Z");
  const worker = (slot, state, more = {}) => ({ slot, generation: 1, state, requests_total: 0, requests_in_flight: 0, ...more });
  const pool = (ready, workers, more = {}) => ({ name: "masters", size: workers.length, ready, workers, ...more });
  const status = (pools, more = {}) => ({ state: "running", proxy: {}, pools, ...more });
  const at = (minutes) => new Date(now - minutes * 60000).toISOString();
  const two = [worker(0, "ready"), worker(1, "ready")];
  const exit = (minutes, reason, lost = 0) => ({ id: 1, at: at(minutes), kind: "exit", pool: "masters", slot: 1, message: "", exit: { reason, measured: "signal 11", requests_lost: lost } });
  const cases = {
    well: [status([pool(2, two)]), []],
    one: [status([pool(1, two.slice(1))]), []],
    starting: [status([pool(1, [worker(0, "ready"), worker(1, "starting")])]), []],
    successor: [status([pool(2, [...two, worker(1, "starting")], { size: 2 })]), []],
    waits: [status([pool(2, [two[0], worker(1, "ready", { pending_recycle: "memory", waiting_for: "min_ready 2" })])]), []],
    none: [status([pool(0, [worker(0, "starting"), worker(1, "starting")])]), []],
    proxy: [status([pool(2, two)], { proxy: null }), []],
    crash: [status([pool(2, two)]), [exit(5, "crash")]],
    longAgo: [status([pool(2, two)]), [exit(16, "crash", 1)]],
    lost: [status([pool(2, two)]), [exit(5, "timer", 2)]],
    budget: [status([pool(2, two, { memory_bytes: 3 << 20, memory_budget_bytes: 2 << 20 })]), []],
    deploy: [status([pool(2, two)]), [{ id: 1, at: at(500), kind: "deploy_failed", pool: "masters", message: "masters: the deploy failed" }]],
    deployed: [status([pool(2, two)]), [{ id: 1, at: at(9), kind: "deploy_failed", pool: "masters", message: "x" }, { id: 2, at: at(8), kind: "deploy", pool: "masters", message: "y" }]],
    ledger: [status([pool(2, two)], { history: { trouble: "disk full" } }), []],
    silent: [status([pool(2, two)], { nodes: { total: 412, overdue: 3, overdue_seconds: 7200 } }), []],
    heard: [status([pool(2, two)], { nodes: { total: 412, overdue: 0, overdue_seconds: 7200 } }), []],
    stopping: [status([pool(2, two)], { state: "stopping" }), []],
  };
  return Object.fromEntries(Object.entries(cases).map(([name, [status, events]]) => {
    const { level, sentence, problems } = judge(status, events, now);
    return [name, [level, sentence, problems.length]];
  }));
JS

Story.tell "each state of a pool has its words, the worst first" do
  at_the_dashboard(pools: { "masters" => 1 }) do
    wanted = {
      "well" => ["good", "All 2 masters well", 0], "one" => ["good", "The one master is well", 0],
      "starting" => ["notice", "1 of 2 masters ready", 1], "successor" => ["good", "All 2 masters well", 0],
      "waits" => ["notice", "All 2 masters well", 1],
      "none" => ["bad", "No master of masters is ready: its agents wait or are refused", 1],
      "proxy" => ["bad", "No proxy is running: agents wait until one is", 0],
      "crash" => ["warn", /^All 2 masters ready, but masters\/1 ended at [\d: -]+: crash, signal 11$/, 0],
      "longAgo" => ["good", "All 2 masters well", 0],
      "lost" => ["warn", "All 2 masters ready, but masters lost 2 requests in the last 15 minutes", 0],
      "budget" => ["warn", "All 2 masters ready, but masters holds 3.00 MiB of a budget of 2.00 MiB", 0],
      "deploy" => ["warn", "All 2 masters ready, but masters: the deploy failed", 0], "deployed" => ["good", "All 2 masters well", 0],
      "ledger" => ["warn", "All 2 masters ready, but The ledger is not written: disk full", 0],
      "silent" => ["warn", /^All 2 masters ready, but 3 of 412 nodes silent for more than 2h$/, 0],
      "heard" => ["good", "All 2 masters well", 0],
      "stopping" => ["bad", "masterpool is stopping: no new agent is served", 0]
    }
    found = browser.run(JUDGED)
    wanted.each do |name, (level, sentence, more)|
      expect("#{name}: its level", found[name][0], level)
      expect("#{name}: its sentence", found[name][1], sentence)
      expect("#{name}: what else", found[name][2], more)
    end
  end
end

Story.tell "numbers, times, streams and histograms are read right" do
  at_the_dashboard(pools: { "masters" => 1 }) do
    found = browser.run(<<~JS)
      const { bytes, span, count, latency, list } = await import("/ui/format.js");
      const { Parser } = await import("/ui/feed.js");
      const { readMetrics, histogram, quantile, difference } = await import("/ui/metrics.js");
      const heard = [];
      const parser = new Parser((data) => heard.push(data));
      const stream = ":\\n\\nid: 1\\nevent: exit\\ndata: {\\"a\\":1}\\n\\nid: 2\\r\\ndata: b\\r\\ndata: c\\r\\n\\r\\n:\\n\\ndata: open";
      for (const letter of stream) parser.add(letter);
      const text = '# TYPE t histogram\\nt_bucket{pool="a\\\\"b",le="0.1"} 5\\nt_bucket{pool="a\\\\"b",le="1"} 9\\nt_bucket{pool="a\\\\"b",le="+Inf"} 10\\nt_count 10\\n';
      const buckets = histogram(readMetrics(text), "t", ["pool"]).get('a"b');
      return {
        bytes: [0, 1023, 1536, 90000000, 1 << 30].map(bytes), spans: [0, 4.21, 59.6, 185, 7500, 90000, NaN].map(span),
        count: count(1234567), latency: [0.0042, 0.25, 4].map(latency), list: list(["a", "b", "c", "d", "e"], 4), heard,
        quantiles: [0.5, 0.9, 0.99].map((one) => quantile(buckets, one)),
        grown: [...difference(new Map([[1, 5], [2, 7]]), new Map([[1, 4], [2, 4]])).values()],
        anew: [...difference(new Map([[1, 1]]), new Map([[1, 4]])).values()],
      };
    JS
    expect("bytes", found["bytes"], ["0 B", "1023 B", "2 KiB", "85.8 MiB", "1.00 GiB"])
    expect("spans", found["spans"], ["0.0 s", "4.2 s", "1m", "3m 5s", "2h 5m", "1d 1h", "–"])
    expect("a count", found["count"], "1 234 567")
    expect("latencies", found["latency"], ["4.2 ms", "250 ms", "4.0 s"])
    expect("a list", found["list"], "a, b, c and 2 more")
    expect("a stream in pieces", found["heard"], ['{"a":1}', "b\nc"])
    expect("quantiles", found["quantiles"], [0.1, 1, 1])
    expect("what came in between", [found["grown"], found["anew"]], [[1, 3], [1]])
  end
end
