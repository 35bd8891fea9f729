// What the page knows: the last status, the events, and what was measured since it was opened. Everything that is drawn
// is drawn from here.
import { ask, askText } from "./api.js";
import { Feed } from "./feed.js";
import { readMetrics } from "./metrics.js";

const pollEvery = 2000; // ms
const hiddenEvery = 15_000;
const metricsEvery = 5000;
const mostEvents = 2000;
const mostPoints = 1800; // an hour of polls

export const live = {
  status: null,
  statusAt: null, // Date
  events: [], // in order, the last ones
  points: [], // what each status came to, for what the ledger does not keep
  metrics: [], // of the last minute or so: {at, families}
  link: { isUp: false, lastSeen: null, retryAt: null, wasUp: false },
  feed: null,
};

const listeners = { status: [], event: [], link: [], metrics: [], resumed: [] };

export function on(what, hear) {
  listeners[what].push(hear);
}

function tell(what, value) {
  for (const hear of listeners[what]) hear(value);
}

let isPolling = false;
let pollTimer = null;
let soon = null;

export function start() {
  live.feed = new Feed({
    open() {
      const isAgain = live.link.wasUp;
      Object.assign(live.link, { isUp: true, wasUp: true, retryAt: null, lastSeen: new Date() });
      tell("link");
      poll();
      if (isAgain) tell("resumed");
    },
    beat() {
      live.link.lastSeen = new Date();
    },
    lost(retryAt) {
      Object.assign(live.link, { isUp: false, retryAt });
      tell("link");
    },
    event(event) {
      note(event);
      tell("event", event);
      pollSoon();
    },
  });
  live.feed.run();
  poll();
  pollMetrics();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    if (!live.link.isUp) live.feed.retry();
    poll();
  });
  addEventListener("online", () => live.feed.retry());
}

function note(event) {
  const last = live.events.at(-1);
  if (last && event.id <= last.id) live.events = []; // A new ledger.
  live.events.push(event);
  if (live.events.length > mostEvents) live.events.splice(0, live.events.length - mostEvents);
}

/** After an event the status is another; several of them in a row are asked about once. */
function pollSoon() {
  soon ??= setTimeout(() => {
    soon = null;
    poll();
  }, 150);
}

async function poll() {
  clearTimeout(pollTimer);
  if (isPolling) return pollSoon();
  isPolling = true;
  try {
    // While the stream is down only the stream tries: one knock at the door at a time.
    if (live.link.isUp || live.status === null) take(await ask("/v1/status"));
  } catch {
    // The stream finds out, and says so.
  } finally {
    isPolling = false;
    pollTimer = setTimeout(poll, document.hidden ? hiddenEvery : pollEvery);
  }
}

function take(status) {
  if (!status) return;
  live.status = status;
  live.statusAt = new Date();
  live.points.push(point(status, live.statusAt));
  if (live.points.length > mostPoints) live.points.shift();
  tell("status");
}

function point(status, at) {
  const sum = (value) => status.pools.reduce((total, pool) => total + value(pool), 0);
  return {
    at: at.getTime(),
    pid: status.pid,
    requests: status.proxy?.requests_total ?? null,
    inFlight: status.proxy?.requests_in_flight ?? 0,
    responses: status.proxy?.responses_total ?? {},
    queue: sum((pool) => pool.queue_length),
    shed: sum((pool) => pool.shed_total),
  };
}

/** How much a total has grown in the last `seconds`; null where that is not known. */
export function growth(value, seconds = 60) {
  const newest = live.points.at(-1);
  if (!newest) return null;
  const oldest = live.points.find((one) => one.pid === newest.pid && newest.at - one.at <= seconds * 1000);
  if (!oldest || oldest === newest) return null;
  const by = value(newest) - value(oldest);
  return by >= 0 ? { by, seconds: (newest.at - oldest.at) / 1000 } : null;
}

async function pollMetrics() {
  try {
    if (live.link.isUp && !document.hidden) {
      const text = await askText("/metrics");
      if (text !== null) {
        live.metrics.push({ at: Date.now(), families: readMetrics(text) });
        live.metrics = live.metrics.filter((one) => Date.now() - one.at < 65_000);
        tell("metrics");
      }
    }
  } catch {
    // The stream finds out, and says so.
  }
  setTimeout(pollMetrics, metricsEvery);
}
