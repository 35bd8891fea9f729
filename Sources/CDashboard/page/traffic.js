// Requests, queue and latency.
import { Chart, valueAt } from "./chart.js";
import { at, cell, h, keep, row, setText } from "./dom.js";
import { clock, count, latency, list, rate } from "./format.js";
import { growth, live } from "./live.js";
import { allSamples, onSamples, range } from "./memory.js";
import { difference, histogram, quantile, total } from "./metrics.js";

const charts = {};
const classes = { "2xx": "done", "3xx": "not changed or elsewhere", "4xx": "refused or not found", "5xx": "failed", "1xx": "informal", none: "cut off" };

export function startTraffic() {
  charts.rate = new Chart("Requests answered by masters, per second", 150);
  charts.queue = new Chart("Waiting and being served", 150);
  charts.latency = new Chart("Time to the answer", 150);
  at("traffic-charts").append(...Object.values(charts).map((chart) => chart.element));
  onSamples(showRate);
}

export function showTraffic() {
  showQueue();
  showResponses();
  showRefusals();
}

/** From the ledger's samples: how many requests each master had answered, from one to the next. */
function showRate() {
  const to = Date.now();
  const from = to - range.span;
  const step = range.step * 1000;
  const lines = live.status.pools.map((pool, index) => ({
    name: pool.name, className: `series-${index % 4}`, isArea: live.status.pools.length === 1,
    dashes: [null, "6 3", "2 3", "8 3 2 3"][index % 4],
    points: answered(allSamples().filter((one) => one.pool === pool.name), from, to, step),
  }));
  const values = lines.flatMap((line) => line.points.map(([, value]) => value));
  const last = lines.map((line) => `${line.name} ${rate(line.points.at(-1)?.[1] ?? 0)}`);
  charts.rate.show({
    from, to, lines, top: Math.max(1, ...values), format: rate,
    summary: `${list(last)} a second`,
    label: `Requests answered in the last ${range.name}: ${list(last)} a second now, at most ${rate(Math.max(0, ...values))}.`,
    say: (time) => `${clock(new Date(time))}: ${list(lines.map((line) => `${line.name} ${rate(valueAt(line.points, time) ?? 0)}`))} a second`,
  });
}

function answered(samples, from, to, step) {
  const before = new Map();
  const bins = new Array(Math.ceil((to - from) / step) + 1).fill(0);
  for (const one of samples) {
    const name = `${one.slot}#${one.generation}`;
    // A master whose first sample is the range's first has a past that is not of the range.
    const start = before.get(name) ?? (one.time - from > 2 * step ? 0 : one.requests_total);
    before.set(name, one.requests_total);
    const bin = Math.floor((one.time - from) / step);
    if (bin >= 0 && bin < bins.length) bins[bin] += Math.max(0, one.requests_total - start);
  }
  // The last ones are not over yet.
  const whole = bins.slice(0, Math.max(0, Math.floor((to - from) / step) - 1));
  const first = whole.findIndex((value) => value > 0);
  return whole.map((value, index) => [from + (index + 0.5) * step, first >= 0 && index >= first ? value / (step / 1000) : null]);
}

function showQueue() {
  const to = Date.now();
  const from = Math.max(to - 30 * 60_000, Math.min(live.points[0]?.at ?? to, to - 60_000));
  const line = (name, value, className, dashes) => ({
    name, className, dashes, points: live.points.filter((one) => one.at >= from).map((one) => [one.at, value(one)]),
  });
  const lines = [line("waiting", (one) => one.queue, "series-1", "6 3"), line("being served", (one) => one.inFlight, "series-0", null)];
  const [waiting, served] = lines.map((one) => one.points.at(-1)?.[1] ?? 0);
  const most = Math.max(2, ...lines.flatMap((one) => one.points.map(([, value]) => value)));
  charts.queue.show({
    from, to, lines, top: most, format: count,
    summary: `${count(waiting)} waiting (dashed), ${count(served)} being served`,
    label: `Since this page was opened: ${count(waiting)} waiting and ${count(served)} being served now, at most ${count(most)}.`,
    say: (time) => `${clock(new Date(time))}: ${list(lines.map((one) => `${count(valueAt(one.points, time) ?? 0)} ${one.name}`))}`,
  });
}

function showResponses() {
  const proxy = live.status.proxy;
  const all = Object.entries(proxy?.responses_total ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = all.reduce((total, [, value]) => total + value, 0);
  const shown = all.filter(([name, value]) => value > 0 || name === "2xx" || name === "5xx")
    .map(([name, value]) => ({ name, value, share: sum ? value / sum : 0 }));
  keep(at("responses").tBodies[0], shown, ({ name }) => name, ({ name }) => row([
    h("th", { scope: "row", role: "rowheader" }, name, h("span", { class: "muted" }, ` ${classes[name] ?? ""}`)),
    cell("Total", { class: "number" }), cell("Last minute", { class: "number" }),
    cell("Share", {}, h("span", { class: `bar wide status-${name}` }, h("span", { class: "fill" })), h("span", { class: "percent" })),
  ], { "data-status": name }), (element, { name, value, share }) => {
    const [, total, minute, part] = element.children;
    setText(total, count(value));
    const grown = growth((point) => point.responses[name] ?? 0);
    setText(minute, grown ? count(grown.by) : "–");
    part.querySelector(".fill").style.width = `${(share * 100).toFixed(2)}%`;
    setText(part.querySelector(".percent"), percent(share));
  });
}

function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)} %`;
}

function showRefusals() {
  const sheds = {};
  for (const pool of live.status.pools) {
    for (const [cause, value] of Object.entries(pool.sheds_by_cause ?? {})) sheds[cause] = (sheds[cause] ?? 0) + value;
  }
  const words = { limit: "503: line full, come back", early: "503: came too early", ceiling: "503: line at its ceiling", timeout: "503: waited too long" };
  const causes = [
    ...Object.entries(sheds).map(([cause, value]) => [words[cause] ?? `503: ${cause}`, value]),
    ...Object.entries(live.status.proxy?.refused_total ?? {}).map(([cause, value]) => [cause.replaceAll("_", " "), value]),
  ].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  const shown = causes.length ? causes : [["nothing so far", null]];
  keep(at("refusals").tBodies[0], shown, ([cause]) => cause, ([cause]) => row([
    h("th", { scope: "row", role: "rowheader" }, cause), cell("Total", { class: "number" }),
  ]), (element, [, value]) => setText(element.lastChild, value === null ? "" : count(value)));
}

// MARK: Latency

/** The family that tells it, whichever this supervisor has. */
const families = ["masterpool_request_duration_seconds", "masterpool_request_seconds", "masterpool_request_total_seconds"];

export function showLatency() {
  const newest = live.metrics.at(-1);
  const family = newest && families.find((name) => newest.families.has(`${name}_bucket`));
  charts.latency.element.hidden = !family;
  at("times").hidden = !family;
  if (!family) return;
  showTimes(family, newest);
  track(family);
}

const history = []; // {at, half, most}

function window(family, by) {
  const newest = live.metrics.at(-1);
  const oldest = live.metrics[0];
  const before = oldest === newest ? new Map() : histogram(oldest.families, family, by);
  return new Map([...histogram(newest.families, family, by)].map(([key, buckets]) => [key, difference(buckets, before.get(key))]));
}

function showTimes(family) {
  const rows = [...window(family, ["pool", "class"])].map(([name, buckets]) => ({ name, buckets, all: total(buckets) }))
    .filter(({ all }) => all > 0).sort((a, b) => (a.name < b.name ? -1 : 1));
  const shown = rows.length ? rows : [{ name: "none in the last minute", buckets: null }];
  keep(at("times").tBodies[0], shown, ({ name }) => name, ({ name }) => row([
    h("th", { scope: "row", role: "rowheader" }, name.replaceAll("_", " ")),
    ...["Half within", "95 % within", "99 % within"].map((label) => cell(label, { class: "number" })),
  ]), (element, { buckets }) => [0.5, 0.95, 0.99].forEach((share, index) =>
    setText(element.children[index + 1], buckets ? latency(quantile(buckets, share)) : "")));
}

/** - Half of the requests, and 95 of 100, as the minute before each look had them. */
function track(family) {
  const all = window(family, []).get("") ?? new Map();
  history.push({ at: live.metrics.at(-1).at, half: quantile(all, 0.5), most: quantile(all, 0.95) });
  if (history.length > 400) history.shift();
  const to = Date.now();
  const from = Math.max(to - 30 * 60_000, Math.min(history[0].at, to - 60_000));
  const lines = [
    { name: "95 % within", className: "series-1", dashes: "6 3", points: history.filter((one) => one.at >= from).map((one) => [one.at, one.most]) },
    { name: "half within", className: "series-0", points: history.filter((one) => one.at >= from).map((one) => [one.at, one.half]) },
  ];
  const values = lines.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  const last = history.at(-1);
  const words = last.half === null ? "no request in the last minute"
    : `half within ${latency(last.half)}, 95 % within ${latency(last.most)} (dashed)`;
  charts.latency.show({
    from, to, lines, top: Math.max(0.01, ...values), format: latency, summary: words,
    label: `Time to the answer: ${words}.`,
    say: (time) => `${clock(new Date(time))}: ${list(lines.map((line) => `${line.name} ${latency(valueAt(line.points, time) ?? NaN)}`))}`,
  });
}
