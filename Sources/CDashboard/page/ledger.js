// The ledger: what happened, newest first, with filters. The first page grows as things happen.
import { ask } from "./api.js";
import { at, cell, h, keep, row, setHidden, setText } from "./dom.js";
import { date, moment, plural } from "./format.js";

const kinds = [
  "spawn", "ready", "drain", "exit", "wipe", "wipe_failed", "back_off", "proxy", "decision", "ledger", "stuck",
  "quarantine", "node", "notify", "parent", "deploy", "deploy_failed", "command", "reload", "supervisor",
];
const reasons = [
  "timer", "memory", "memory_limit", "requests", "stuck", "unhealthy", "crash", "manual", "deploy", "scale", "reload",
  "shutdown",
];
const spans = { "15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800 };
const pageSize = 40;

let shown = []; // newest first
let isWhole = false; // nothing older fits
let filter = {};
let question = 0;

export function startLedger() {
  const form = at("ledger-filters");
  offer(form.kind, kinds);
  offer(form.reason, reasons);
  form.addEventListener("change", refresh);
  form.addEventListener("reset", () => setTimeout(refresh));
  form.addEventListener("submit", (event) => event.preventDefault());
  at("ledger-older").addEventListener("click", older);
}

function offer(select, values) {
  const known = new Set([...select.options].map((option) => option.value));
  for (const value of values) {
    if (!known.has(value)) select.append(h("option", { value }, value.replaceAll("_", " ")));
  }
}

/** Pools and slots as they come to be known. */
export function offerPlaces(status) {
  const form = at("ledger-filters");
  offer(form.pool, status.pools.map((pool) => pool.name));
  offer(form.slot, [...new Set(status.pools.flatMap((pool) => pool.workers.map((worker) => String(worker.slot))))]);
}

function readFilter() {
  const form = at("ledger-filters");
  const isBetween = form.since.value === "between";
  for (const input of [form.from, form.to]) setHidden(input.parentElement, !isBetween);
  const moment = (input) => (isBetween && input.value ? new Date(input.value).toISOString() : null);
  return {
    kind: form.kind.value || null, reason: form.reason.value || null, pool: form.pool.value || null,
    slot: form.slot.value || null, ago: spans[form.since.value] ?? null, from: moment(form.from), to: moment(form.to),
  };
}

/** As the API takes it. A slot is one of a pool: without one, it is looked for in the pages that come. */
function queryOf(filter) {
  return {
    kind: filter.kind, reason: filter.reason,
    ...(filter.pool && filter.slot ? { slot: `${filter.pool}/${filter.slot}` } : { pool: filter.pool }),
    since: filter.ago ? new Date(Date.now() - filter.ago * 1000).toISOString() : filter.from, until: filter.to,
  };
}

function fits(event) {
  return (!filter.kind || event.kind === filter.kind) && (!filter.reason || event.exit?.reason === filter.reason)
    && (!filter.pool || event.pool === filter.pool) && (!filter.slot || String(event.slot) === filter.slot)
    && (!filter.from || event.at >= filter.from) && (!filter.to || event.at < filter.to);
}

export async function refresh() {
  filter = readFilter();
  shown = [];
  await page(null);
}

async function older() {
  await page(shown.at(-1) ?? null);
}

/** - before: the oldest event that is there; nil for the newest page. */
async function page(before) {
  const mine = ++question;
  const query = queryOf(filter);
  // Several may be of one millisecond: that one is asked for again, and what is known already is left out.
  if (before) query.until = new Date(date(before.at).getTime() + 1).toISOString();
  try {
    const found = (await ask("/v1/events", { ...query, limit: pageSize + (before ? 20 : 0) })) ?? [];
    if (mine !== question) return;
    isWhole = found.length < pageSize;
    const known = new Set(shown.map((event) => event.id));
    // What the stream said meanwhile is newer than all of this.
    shown = [...shown, ...found.reverse().filter((event) => !known.has(event.id) && fits(event))]
      .sort((a, b) => b.id - a.id);
    show();
  } catch (error) {
    setText(at("ledger-count"), error.message);
  }
}

export function noteEvent(event) {
  if (shown.length && event.id <= shown[0].id) {
    if (event.id === shown[0].id || shown.some((one) => one.id === event.id)) return;
    // Its number is an old one: the ledger is another.
    return void refresh();
  }
  if (!fits(event)) return;
  shown.unshift(event);
  show();
}

let isDue = false;

/** Many events may come at once, as when the page is opened: they are drawn together. */
function show() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    keep(at("ledger-table").tBodies[0], shown, (event) => event.id, make);
    setHidden(at("ledger-table"), shown.length === 0);
    setHidden(at("ledger-none"), shown.length > 0);
    setHidden(at("ledger-older"), isWhole || shown.length === 0);
    setText(at("ledger-count"), shown.length ? `${plural(shown.length, "entry", "entries")} shown${isWhole ? "" : ", more are older"}` : "");
  });
}

function make(event) {
  const when = date(event.at);
  const worker = event.pool === undefined ? ""
    : event.slot === undefined ? event.pool : `${event.pool}/${event.slot}${event.generation ? `#${event.generation}` : ""}`;
  const what = cell("What", { class: "what" }, h("span", { class: "words" }, event.message));
  if (event.by) what.append(h("span", { class: "muted by" }, ` by ${event.by}`));
  if (event.capture) {
    what.append(h("details", {}, h("summary", {}, "What it was doing"), h("pre", { tabindex: "0" }, event.capture)));
  }
  return row([
    cell("Time", { class: "time" }, h("time", { datetime: event.at, title: event.at }, moment(when))),
    cell("Kind", { class: "kind" }, h("span", { class: `tag ${tone(event)}` }, event.kind.replaceAll("_", " "))),
    cell("Master", { class: "who" }, worker), what,
  ], { "data-event": event.id, "data-kind": event.kind });
}

function tone(event) {
  if (["wipe_failed", "back_off", "stuck", "quarantine", "deploy_failed"].includes(event.kind)) return "bad";
  if (event.kind === "exit") {
    return event.exit?.requests_lost > 0 || ["crash", "stuck"].includes(event.exit?.reason) ? "bad" : "busy";
  }
  return event.kind === "ready" ? "good" : "";
}
