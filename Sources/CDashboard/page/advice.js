// How fast the masters leak, and what to set: `/v1/advice`.
import { openAct } from "./actions.js";
import { ask, token } from "./api.js";
import { at, h } from "./dom.js";
import { bytes, rate, span } from "./format.js";
import { live } from "./live.js";

const every = 60_000;
let timer = null;
let last = "";

export async function refreshAdvice() {
  clearTimeout(timer);
  try {
    if (live.link.isUp && !document.hidden) show(await ask("/v1/advice"));
  } catch (error) {
    if (!last) none(`No advice now: ${error.message}.`);
  }
  timer = setTimeout(refreshAdvice, last ? every : 5000);
}

/** Buttons come and go with the token. */
export function redrawAdvice() {
  if (last) draw(JSON.parse(last));
}

function show(document) {
  if (!document?.pools) return none("This supervisor gives no advice.");
  const text = JSON.stringify(document);
  if (text === last) return;
  last = text;
  draw(document);
}

function none(words) {
  at("advice-body").replaceChildren(h("p", { class: "none" }, words));
}

function draw(document) {
  if (!document.pools.length) return none("No pool has been measured yet.");
  at("advice-body").replaceChildren(...document.pools.map(card));
}

const verdicts = { leak: "Leak", no_leak: "No leak", not_enough_data: "Not enough data yet" };

function card(pool) {
  const facts = [
    ["Growth an hour", slope(pool.per_hour)], ["Growth a request", slope(pool.per_request)],
    ["Levels off at", number(pool.plateau_bytes) && bytes(pool.plateau_bytes)],
    ["Time to the limit", spread(pool.seconds_to_limit)],
    ...(pool.restarts_per_day ?? []).map((one) => restarts(one, number(pool.days) ? Math.min(1, pool.days) : 1)),
  ].filter(([, words]) => words);
  return h("article", { class: "advice", "data-pool": pool.pool },
    h("h3", {}, `${pool.pool}: ${verdicts[pool.verdict] ?? pool.verdict}`),
    h("p", { class: "sentence" }, pool.sentence ?? ""),
    facts.length ? h("dl", { class: "facts" }, ...facts.map(([name, words]) => h("div", {}, h("dt", {}, name), h("dd", {}, words)))) : null,
    suggestions(pool),
    pool.reasons?.length ? h("details", {}, h("summary", {}, "Why"), h("ul", {}, ...pool.reasons.map((one) => h("li", {}, String(one))))) : null);
}

// A day's, or fewer where less was watched, so that one of an hour is not told as many.
function restarts(one, days) {
  const when = days < 1 ? `in ${span(days * 86400)}` : "a day";
  const cost = number(one.capacity_seconds) ? `, costing ${span(one.capacity_seconds * days)} of a master` : "";
  return [`Restarts ${when}, ${String(one.reason).replaceAll("_", " ")}`, `${rate(one.count * days)}${cost}`];
}

const number = (value) => typeof value === "number" && Number.isFinite(value);

function slope(value) {
  if (!number(value?.bytes)) return null;
  const range = number(value.low) && number(value.high) ? ` (${bytes(value.low)} to ${bytes(value.high)})` : "";
  return `${bytes(value.bytes)}${range}`;
}

function spread(value) {
  if (number(value)) return span(value);
  if (!value || typeof value !== "object") return null;
  const { low, high } = value;
  const middle = value.seconds ?? value.median ?? value.middle ?? value.mid;
  const range = number(low) && number(high) ? `${span(low)} to ${span(high)}` : null;
  return number(middle) ? `${span(middle)}${range ? ` (${range})` : ""}` : range;
}

/** What to set, with a button where commands may be given. */
function suggestions(pool) {
  const keys = { every: "recycle.every", memory: "recycle.memory", requests: "recycle.requests", workers: "workers" };
  const found = Object.entries(keys).map(([name, key]) => [`pools.${pool.pool}.${key}`, written(name, pool.advice)])
    .filter(([, value]) => value !== null);
  if (!found.length) return null;
  return h("ul", { class: "suggestions", "aria-label": `Advised for ${pool.pool}` }, ...found.map(([key, value]) =>
    h("li", {}, h("code", {}, `${key}=${value}`), token.get() ? button(key, value) : null)));
}

function written(name, advice) {
  const value = advice?.[name] ?? advice?.[`${name}_seconds`] ?? advice?.[`${name}_bytes`];
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (!number(value)) return null;
  if (name === "every") return `${Math.round(value)}s`;
  if (name === "memory") return `${Math.round(value / 1048576)}MiB`;
  return String(value);
}

function button(key, value) {
  return h("button", {
    type: "button", class: "quiet", "aria-label": `Set ${key} to ${value}`,
    onclick: () => openAct({
      title: `Set ${key} to ${value}?`, words: "It is in force at once, for as long as this supervisor runs.", go: "Set", keeps: true,
      command: (_, persist) => ({ command: "set", values: { [key]: value }, persist }),
    }),
  }, "Set");
}
