// The page's beginning, and what is drawn when something is new.
import { startActions } from "./actions.js";
import { redrawAdvice, refreshAdvice } from "./advice.js";
import { at, h, keep, setHidden, setText } from "./dom.js";
import { bytes, clock, count, date, moment, plural, rate, span } from "./format.js";
import { judge } from "./health.js";
import { icon, setIcon } from "./icons.js";
import * as ledger from "./ledger.js";
import { growth, live, on, start } from "./live.js";
import * as memory from "./memory.js";
import { refreshNodes, startNodes } from "./nodes.js";
import { showPools } from "./pools.js";
import * as settings from "./settings.js";
import { showLatency, showTraffic, startTraffic } from "./traffic.js";

function showStatus() {
  const { status } = live;
  setText(at("version"), status.version);
  showHealth();
  showPools(status);
  showTraffic();
  ledger.offerPlaces(status);
}

// MARK: The headline

const markWords = { good: "Well: ", notice: "Note: ", warn: "Attention: ", bad: "Trouble: " };

function showHealth() {
  if (!live.status) return;
  const verdict = judge(live.status, live.events);
  const isLost = !live.link.isUp;
  const level = isLost ? "warn" : verdict.level;
  at("health").dataset.level = level;
  setIcon(at("headline-mark"), level);
  setText(at("headline"), isLost
    ? `No answer from the supervisor; at ${moment(live.link.lastSeen)} it was: ${verdict.sentence}` : verdict.sentence);
  document.title = `${level === "good" ? "" : markWords[level]}${at("headline").textContent} – masterpool`;
  keep(at("problems"), verdict.problems, (one) => one.level + one.words, makeProblem);
  setHidden(at("problems"), verdict.problems.length === 0);
  setText(at("subline"), subline(live.status));
  showTiles();
}

function makeProblem({ level, words }) {
  return h("li", { "data-level": level }, h("span", { class: "mark" }, icon(level)),
    h("span", {}, h("span", { class: "hidden" }, markWords[level]), words));
}

function subline(status) {
  const last = live.events.findLast((event) => event.kind === "exit");
  const parts = [`Up for ${span(status.uptime_seconds)}`];
  if (last) parts.push(`last restart ${last.pool}/${last.slot} at ${moment(date(last.at))}: ${last.exit.reason.replace("_", " ")}`
    + (last.exit.measured ? ` (${last.exit.measured}${last.exit.limit ? ` of ${last.exit.limit}` : ""})` : ""));
  return parts.join("; ");
}

function showTiles() {
  const { status } = live;
  const sum = (value) => status.pools.reduce((total, pool) => total + (value(pool) ?? 0), 0);
  const requests = growth((one) => one.requests, 30);
  const failed = growth((one) => one.responses["5xx"] ?? 0);
  const size = sum((pool) => pool.size);
  const lost = live.events.reduce((total, event) => total + (event.exit?.requests_lost ?? 0), 0);
  const tiles = [
    ["Masters ready", `${sum((pool) => pool.ready)} of ${size}`, plural(status.pools.length, "pool")],
    ["Requests a second", requests ? rate(requests.by / requests.seconds) : "–", `${count(status.proxy?.requests_total ?? 0)} in all`],
    ["Being served", count(status.proxy?.requests_in_flight ?? 0), plural(status.proxy?.connections ?? 0, "connection")],
    ["Waiting", count(sum((pool) => pool.queue_length)), `${count(sum((pool) => pool.shed_total))} refused so far`],
    ["Failed, last minute", failed ? count(failed.by) : "–", lost ? `${plural(lost, "request")} lost with a master` : "none lost with a master"],
    ["Memory", bytes(sum((pool) => pool.memory_bytes)), budget(status)],
  ];
  keep(at("tiles"), tiles, ([name]) => name,
    ([name]) => h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, h("strong"), h("span", { class: "muted" }))),
    (element, [, value, more]) => {
      setText(element.querySelector("strong"), value);
      setText(element.querySelector("dd .muted"), more);
    });
}

function budget(status) {
  const all = status.pools.map((pool) => pool.memory_budget_bytes).filter(Boolean);
  return all.length ? `budget ${bytes(all.reduce((sum, one) => sum + one, 0))}` : "of all masters";
}

// MARK: The link

function showLink() {
  const { isUp, lastSeen, retryAt, wasUp } = live.link;
  document.documentElement.dataset.link = isUp ? "up" : "lost";
  setIcon(at("link-mark"), isUp ? "ready" : wasUp ? "bad" : "starting");
  // Read aloud when it changes, and only then; the seconds count beside it in silence.
  setText(at("link-words"), isUp ? "Live" : wasUp ? `Connection lost, last seen ${clock(lastSeen)}` : "Connecting");
  setHidden(at("link-retry"), isUp);
  const seconds = retryAt ? Math.max(0, Math.ceil((retryAt - Date.now()) / 1000)) : 0;
  setText(at("link-count"), isUp || !retryAt ? "" : seconds ? `trying again in ${seconds} s` : "trying again");
}

// MARK: Start

startTraffic();
ledger.startLedger();
startNodes();
settings.startSettings();
startActions(() => {
  if (live.status) showPools(live.status);
  redrawAdvice();
  settings.show();
});
setText(at("zone"), Intl.DateTimeFormat().resolvedOptions().timeZone ?? "unknown");
at("link-retry").addEventListener("click", () => live.feed.retry());

let wasStarted = false;

/** What needs a first status: drawn once it is there. */
function begin() {
  if (wasStarted) return;
  wasStarted = true;
  memory.startMemory();
  ledger.refresh();
  refreshAdvice();
  refreshNodes();
  settings.refreshSettings();
}

on("status", () => {
  showStatus();
  begin();
});
on("event", (event) => {
  if (wasStarted) {
    ledger.noteEvent(event);
    memory.noteExit(event);
  }
});
on("link", () => {
  showLink();
  showHealth();
});
on("metrics", () => {
  if (live.status) showLatency();
});
on("resumed", () => {
  if (!wasStarted) return;
  memory.refresh();
  refreshAdvice();
  refreshNodes();
  settings.refreshSettings();
});
setInterval(() => {
  if (!live.link.isUp) showLink();
}, 500);
showLink();
start();
