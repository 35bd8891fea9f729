// The pools and their masters: a table for each pool.
import { openAct } from "./actions.js";
import { token } from "./api.js";
import { at, cell, h, keep, row, setAttribute, setHidden, setText } from "./dom.js";
import { bytes, count, date, moment, plural, span } from "./format.js";
import { setIcon } from "./icons.js";

const looks = {
  ready: "ready", starting: "starting", draining: "leaving", stopping: "leaving", wiping: "leaving",
  drained: "held", backing_off: "warn", empty: "empty",
};

/** A worker's name: `masters/0`. */
export const nameOf = (pool, worker) => `${pool.name}/${worker.slot}`;

export function showPools(status) {
  keep(at("pools"), status.pools, (pool) => pool.name, makePool, updatePool);
}

function makePool(pool) {
  const id = `pool-${pool.name}`;
  const section = h("section", { class: "card", "aria-labelledby": id },
    h("div", { class: "card-head" },
      h("h2", { id }),
      h("p", { class: "acts" },
        h("button", { type: "button", class: "quiet", onclick: () => recycle(pool.name, []) }, "Recycle all"),
        h("button", { type: "button", class: "quiet", onclick: () => scale(section.pool) }, "Scale"))),
    h("dl", { class: "facts" }),
    h("table", { class: "workers", role: "table" },
      h("caption", {}, `Masters of ${pool.name}`),
      h("thead", { role: "rowgroup" },
        row(["Master", "State", "Age", "Memory", "Requests", "Now", "Last restart"].map((title) =>
          h("th", { scope: "col", role: "columnheader" }, title)).concat(
          h("th", { scope: "col", role: "columnheader", class: "acts" }, h("span", { class: "hidden" }, "Commands"))))),
      h("tbody", { role: "rowgroup" })));
  return section;
}

function updatePool(section, pool) {
  section.pool = pool;
  setText(section.querySelector("h2"), `Pool ${pool.name}: ${pool.ready} of ${pool.size} ready`);
  keep(section.querySelector("dl"), facts(pool), ([name]) => name,
    ([name]) => h("div", {}, h("dt", {}, name), h("dd")),
    (element, [, words]) => setText(element.lastChild, words));
  const workers = pool.workers.map((worker) => ({ pool, worker }));
  keep(section.querySelector("tbody"), workers, ({ worker }) => `${worker.slot}#${worker.generation}`, makeWorker, updateWorker);
  for (const acts of section.querySelectorAll(".acts")) setHidden(acts, !token.get());
}

function facts(pool) {
  const limits = pool.limits ?? {};
  const found = [
    ["Restarts", restarts(limits)],
    ["Memory together", pool.memory_budget_bytes
      ? `${bytes(pool.memory_bytes)} of ${bytes(pool.memory_budget_bytes)}` : bytes(pool.memory_bytes)],
    ["Waiting", pool.queue_length ? plural(pool.queue_length, "request") : "nobody"],
    ["Refused", pool.shed_total ? plural(pool.shed_total, "request") : "nobody"],
  ];
  const parent = pool.parents?.at(-1);
  if (parent) found.push(["Warm parent", `${parent.state}, ${bytes(parent.memory_bytes)}, ${span(parent.age_seconds)} old`]);
  if (pool.stuck_total) found.push(["Stuck so far", plural(pool.stuck_total, "master")]);
  return found;
}

function restarts(limits) {
  const reasons = [
    limits.every_seconds && `every ${span(limits.every_seconds)}`,
    limits.memory_bytes && `at ${bytes(limits.memory_bytes)}`,
    limits.requests && `after ${plural(limits.requests, "request")}`,
  ].filter(Boolean);
  return reasons.length ? reasons.join(", ") : "only when asked";
}

function makeWorker({ pool, worker }) {
  const name = nameOf(pool, worker);
  const part = (className) => h("span", { class: className });
  const element = row([
    h("th", { scope: "row", role: "rowheader" },
      h("strong", {}, name), h("span", { class: "muted generation" }, ` #${worker.generation}`), part("pid muted")),
    cell("State", { class: "state" }, part("mark"), part("words"), part("why muted")),
    cell("Age", { class: "age" }, part("words"), part("of muted")),
    cell("Memory", { class: "memory" },
      h("span", { class: "bar", "aria-hidden": "true" }, part("fill"), part("stop")), part("words"), part("of muted")),
    cell("Requests", { class: "requests" }, part("words"), part("of muted")),
    cell("Now", { class: "now" }, part("words"), part("of muted")),
    cell("Last restart", { class: "last" }, part("words"), part("of muted")),
    cell("Commands", { class: "acts" }),
  ], { id: `worker-${name}-${worker.generation}`, "data-worker": name });
  element.querySelector(".acts").append(
    h("button", { type: "button", class: "quiet recycle", "aria-label": `Recycle ${name}`, onclick: () => recycle(name, [name]) }, "Recycle"),
    h("button", { type: "button", class: "quiet hold", onclick: () => hold(name, element.state === "drained") }, "Drain"));
  return element;
}

function updateWorker(element, { pool, worker }) {
  const name = nameOf(pool, worker);
  const limits = pool.limits ?? {};
  const put = (where, words) => setText(element.querySelector(where), words ?? "");
  element.state = worker.state;
  setAttribute(element, "data-state", worker.state);
  put(".pid", worker.pid ? ` pid ${worker.pid}` : "");
  setIcon(element.querySelector(".state .mark"), looks[worker.state] ?? "empty");
  put(".state .words", worker.state.replace("_", " "));
  put(".state .why", worker.waiting_for ? `to go (${worker.pending_recycle}), waits: ${worker.waiting_for}` : "");
  put(".age .words", worker.age_seconds === undefined ? "–" : span(worker.age_seconds));
  put(".age .of", limits.every_seconds && worker.age_seconds !== undefined ? `of ${span(limits.every_seconds)}` : "");
  memory(element.querySelector(".memory"), worker.memory_bytes, limits, put);
  put(".requests .words", count(worker.requests_total));
  put(".requests .of", limits.requests ? `of ${count(limits.requests)}` : "");
  const [now, since] = doing(worker);
  put(".now .words", now);
  put(".now .of", since);
  const last = worker.last_recycle;
  put(".last .words", last ? last.reason.replace("_", " ") : "none yet");
  put(".last .of", last ? moment(date(last.at)) : "");
  const button = element.querySelector(".hold");
  setText(button, worker.state === "drained" ? "Resume" : "Drain");
  setAttribute(button, "aria-label", `${button.textContent} ${name}`);
}

function memory(element, held, limits, put) {
  const most = limits.memory_bytes ?? limits.memory_limit_bytes;
  const share = most && held !== undefined ? Math.min(1, held / most) : 0;
  setHidden(element.querySelector(".bar"), !most);
  element.querySelector(".fill").style.width = `${(share * 100).toFixed(1)}%`;
  element.classList.toggle("near", share > 0.9);
  put(".memory .words", held === undefined ? "–" : bytes(held));
  put(".memory .of", most ? `of ${bytes(most)}${share > 0.9 ? ", near its limit" : ""}` : "");
}

/** The request that a master has, and for how long. */
function doing(worker) {
  const more = worker.requests_in_flight > 1 ? ` and ${worker.requests_in_flight - 1} more` : "";
  const current = worker.current;
  if (current) {
    const who = current.node ? ` for ${current.node}` : "";
    return [`${current.request ?? current.route ?? "a request"}${who}`, `for ${span(current.age_seconds)}${more}`];
  }
  return worker.requests_in_flight ? [plural(worker.requests_in_flight, "request"), ""] : ["idle", ""];
}

function recycle(name, targets) {
  const isPool = targets.length === 0;
  openAct({
    title: `Recycle ${name}?`,
    words: isPool
      ? "Its masters are replaced one after the other. No request is lost; it takes a while until all are new."
      : "A successor starts, takes over when it is ready, and the old one finishes its requests before it goes.",
    go: "Recycle",
    command: () => ({ command: "restart", targets: isPool ? [name] : targets }),
  });
}

function hold(name, isHeld) {
  openAct(isHeld
    ? {
      title: `Resume ${name}?`, words: "It takes requests again.", go: "Resume",
      command: () => ({ command: "resume", slot: name }),
    }
    : {
      title: `Drain ${name}?`,
      words: "It finishes the requests that it has and takes no more until you resume it. The others do its work.",
      go: "Drain", command: () => ({ command: "drain", slot: name }),
    });
}

function scale(pool) {
  openAct({
    title: `Scale ${pool.name}`, words: `It has ${plural(pool.size, "master")} now. Those that are too many finish their requests first.`,
    go: "Scale", field: { label: "Masters wanted", value: String(pool.size), mode: "numeric" },
    check: (text) => (/^[1-9][0-9]{0,3}$/.test(text) && Number(text) <= 1024 ? null : "A number from 1 to 1024."),
    command: (text) => ({ command: "scale", pool: pool.name, size: Number(text) }),
  });
}
