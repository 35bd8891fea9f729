// Memory over time, a chart for each slot, all of a pool at one scale: what its masters held, one after the other, and
// why each of them went.
import { ask } from "./api.js";
import { Chart } from "./chart.js";
import { at, h, keep, setHidden, setText } from "./dom.js";
import { bytes, clock, date, list, plural } from "./format.js";
import { live } from "./live.js";

const minute = 60_000;
/** How fine the ledger's answers are to be, in seconds. */
const ranges = [
  ["15 min", 15 * minute, 10], ["1 h", 60 * minute, 30], ["6 h", 360 * minute, 120], ["24 h", 1440 * minute, 600],
  ["7 d", 10_080 * minute, 3600],
];
const letters = {
  timer: ["T", "timer"], memory: ["M", "memory"], memory_limit: ["L", "memory limit"], requests: ["R", "requests"],
  stuck: ["S", "stuck"], unhealthy: ["U", "unhealthy"], crash: ["C", "crash"], manual: ["O", "by an operator"],
  deploy: ["D", "deploy"], scale: ["N", "number changed"], reload: ["E", "reload"], shutdown: ["X", "shutdown"],
};
const bad = new Set(["crash", "stuck", "unhealthy", "memory_limit"]);

export const range = { name: "1 h", span: 60 * minute, step: 30 };
const samples = new Map(); // by slot, generation and time
let exits = [];
const listeners = [];

export function onSamples(hear) {
  listeners.push(hear);
}

/** In the order of time. */
export function allSamples() {
  return [...samples.values()].sort((a, b) => a.time - b.time);
}

export function startMemory() {
  // A young supervisor has little to show in an hour.
  if (live.status.uptime_seconds < 1200) choose(ranges[0]);
  for (const one of ranges) {
    const [name] = one;
    const id = `range-${name.replace(" ", "-")}`;
    const input = h("input", {
      type: "radio", name: "range", value: name, id, checked: name === range.name,
      onchange: () => {
        choose(one);
        refresh();
      },
    });
    at("range").append(h("span", {}, input, h("label", { for: id }, name)));
  }
  refresh();
}

function choose([name, span, step]) {
  Object.assign(range, { name, span, step });
  samples.clear();
}

let timer = null;
let asked = 0;

/** What is new, or all of the range where nothing of it is known. */
export async function refresh() {
  clearTimeout(timer);
  const question = ++asked;
  try {
    if (live.link.isUp && !document.hidden) await fetchRange(question);
  } catch {
    // The ledger may be out of reach for a while, which the headline tells.
  }
  if (question === asked) timer = setTimeout(refresh, live.link.isUp && samples.size ? 10_000 : 1000);
}

async function fetchRange(question) {
  const from = Date.now() - range.span;
  const newest = Math.max(from, ...[...samples.values()].map((one) => one.time - 2 * range.step * 1000));
  const [rows, ended] = await Promise.all([
    ask("/v1/samples", { since: new Date(newest).toISOString(), step_seconds: range.step, limit: 50_000 }),
    ask("/v1/events", { kind: "exit", since: new Date(from).toISOString(), limit: 2000 }),
  ]);
  if (question !== asked) return; // Another range was chosen meanwhile.
  for (const row of rows ?? []) {
    const time = date(row.at)?.getTime();
    if (time) samples.set(`${row.pool}/${row.slot}#${row.generation}@${time}`, { ...row, time });
  }
  for (const [key, { time }] of samples) if (time < from - range.step * 1000) samples.delete(key);
  exits = ended ?? [];
  showMemory();
  for (const hear of listeners) hear();
}

/** Recycles that happened since the ledger was asked are drawn from the stream. */
export function noteExit(event) {
  if (event.kind !== "exit" || exits.some((one) => one.id === event.id)) return;
  exits.push(event);
  showMemory();
}

export function showMemory() {
  if (!live.status) return;
  const ordered = allSamples();
  const slots = live.status.pools.flatMap((pool) => [...new Set(pool.workers.map((worker) => worker.slot))].map((slot) => {
    const name = `${pool.name}/${slot}`;
    return { name, pool, slot, samples: ordered.filter((one) => one.pool === pool.name && one.slot === slot) };
  }));
  const tops = new Map();
  for (const { pool, samples } of slots) {
    tops.set(pool, Math.max(tops.get(pool) ?? 1 << 20, ...samples.map((one) => one.memory_max_bytes)));
  }
  for (const [pool, held] of tops) {
    // A limit far above would press the lines flat, and a leak shows in their slope.
    const limit = pool.limits?.memory_bytes ?? 0;
    if (limit < held * 4) tops.set(pool, Math.max(held, limit * 1.04));
  }
  keep(at("memory-charts"), slots, ({ name }) => name, make, (element, slot) => update(element.chart, slot, tops.get(slot.pool)));
  const used = new Set(exits.map((event) => event.exit?.reason).filter(Boolean));
  const words = Object.entries(letters).filter(([reason]) => used.has(reason)).map(([, [letter, word]]) => `${letter} ${word}`);
  setText(at("memory-legend"), words.length ? `A mark is a restart: ${list(words, 20)}.` : "No restart in this time.");
}

function make({ name }) {
  const chart = new Chart(name, 124);
  chart.element.chart = chart;
  return chart.element;
}

function update(chart, { name, pool, slot, samples }, top) {
  const to = Date.now();
  const from = to - range.span;
  const limits = pool.limits ?? {};
  const ended = exits.filter((event) => event.pool === pool.name && event.slot === slot && date(event.at) >= from);
  const generations = [...new Set(samples.map((one) => one.generation))];
  const lines = generations.map((generation) => ({
    className: generation % 2 ? "one" : "other", isArea: true,
    points: samples.filter((one) => one.generation === generation && one.time >= from)
      .map((one) => [Math.min(to, one.time), one.memory_mean_bytes]),
  })).filter((line) => line.points.length);
  const now = samples.at(-1);
  chart.element.dataset.worker = name;
  chart.show({
    from, to, top, lines, isBinary: true, format: bytes,
    limits: limits.memory_bytes ? [{ value: limits.memory_bytes, words: `restart at ${bytes(limits.memory_bytes)}` }] : [],
    marks: ended.map((event) => mark(event)),
    summary: now ? `${bytes(now.memory_mean_bytes)}${limits.memory_bytes > top ? ` of ${bytes(limits.memory_bytes)}` : ""}, `
      + plural(ended.length, "restart") : "no sample yet",
    label: words(name, samples, ended),
    say: (time) => readOut(time, samples, ended),
  });
  setHidden(chart.element, false);
}

function mark(event) {
  const reason = event.exit.reason;
  const measured = event.exit.measured ? `: ${event.exit.measured}${event.exit.limit ? ` of ${event.exit.limit}` : ""}` : "";
  return {
    at: date(event.at).getTime(), letter: letters[reason]?.[0] ?? "?", className: bad.has(reason) ? "bad" : "planned",
    title: `${letters[reason]?.[1] ?? reason} at ${clock(date(event.at))}${measured}`,
  };
}

/** The chart as a sentence, for who cannot see it. */
function words(name, samples, ended) {
  if (!samples.length) return `Memory of ${name}: no sample in the last ${range.name}.`;
  const most = Math.max(...samples.map((one) => one.memory_max_bytes));
  const reasons = Map.groupBy
    ? [...Map.groupBy(ended, (event) => event.exit.reason)].map(([reason, all]) => `${all.length} ${reason.replace("_", " ")}`)
    : [plural(ended.length, "restart")];
  return `Memory of ${name} in the last ${range.name}: ${bytes(samples.at(-1).memory_mean_bytes)} now, at most `
    + `${bytes(most)}; restarts: ${reasons.length ? list(reasons) : "none"}. Arrow keys read it out.`;
}

function readOut(time, samples, ended) {
  const near = range.span / 80;
  const exit = ended.find((event) => Math.abs(date(event.at) - time) < near);
  if (exit) return mark(exit).title;
  const held = samples.findLast((one) => one.time <= time && time - one.time <= Math.max(3 * range.step * 1000, near));
  if (!held) return `${clock(new Date(time))}: no sample`;
  return `${clock(new Date(time))}: ${bytes(held.memory_mean_bytes)}, generation ${held.generation}, `
    + `${plural(held.requests_total, "request")}`;
}
