// In words, how the masters are: from the status and the ledger alone, so that a test can ask about any of them.
import { bytes, clock, count, date, list, moment, plural, span } from "./format.js";

const recent = 15 * 60_000; // ms; what happened earlier is history
export const ranks = { good: 0, notice: 1, warn: 2, bad: 3 };

/**
 * `{level, sentence, problems: [{level, words, worker?}]}`. Levels: `good`, `notice` (as an operator or a plan wants
 * it), `warn` (look at it today), `bad` (agents are not served, or a master does not come back).
 */
export function judge(status, events, now = new Date()) {
  const problems = [
    ...ofTheWhole(status), ...status.pools.flatMap((pool) => ofPool(pool, status, events, now)),
    ...ofTheLedger(status, events, now), ...ofNodes(status.nodes),
  ].sort((a, b) => ranks[b.level] - ranks[a.level]);
  const level = problems[0]?.level ?? "good";
  const { total, ready } = masters(status);
  if (level === "good") return { level, sentence: well(total), problems };
  const worst = problems[0];
  if (level === "bad") return { level, sentence: worst.words, problems: problems.slice(1) };
  if (level === "warn") {
    const sentence = ready === total ? `All ${count(total)} masters ready, but ${worst.words}` : worst.words;
    return { level, sentence, problems: problems.slice(1) };
  }
  return { level, sentence: ready === total ? well(total) : `${ready} of ${total} masters ready`, problems };
}

function well(total) {
  return total === 1 ? "The one master is well" : `All ${count(total)} masters well`;
}

export function masters(status) {
  return {
    total: status.pools.reduce((sum, pool) => sum + pool.size, 0),
    ready: status.pools.reduce((sum, pool) => sum + Math.min(pool.ready, pool.size), 0),
  };
}

function ofTheWhole(status) {
  const found = [];
  if (status.state === "stopping") found.push({ level: "bad", words: "masterpool is stopping: no new agent is served" });
  if (!status.proxy && status.state !== "starting") {
    found.push({ level: "bad", words: "No proxy is running: agents wait until one is" });
  }
  if (status.state === "starting") found.push({ level: "notice", words: "masterpool is starting" });
  if (status.history?.trouble) {
    found.push({ level: "warn", words: `The ledger is not written: ${status.history.trouble}` });
  }
  return found;
}

function ofNodes(nodes) {
  if (!nodes?.overdue) return [];
  const words = `${count(nodes.overdue)} of ${plural(nodes.total, "node")} silent for more than ${span(nodes.overdue_seconds)}`;
  return [{ level: "warn", words }];
}

function ofPool(pool, status, events, now) {
  const found = [];
  const standing = pool.workers.filter((worker) => worker.state === "ready" || worker.state === "drained");
  if (pool.ready === 0 && status.state === "running" && standing.length === 0) {
    found.push({ level: "bad", words: `No master of ${pool.name} is ready: its agents wait or are refused` });
  }
  for (const worker of pool.workers) found.push(...ofWorker(worker, pool, events));
  found.push(...absent(pool));
  for (const node of pool.quarantined ?? []) {
    found.push({ level: "warn", words: `${node} is quarantined in ${pool.name}: it gets one master at most` });
  }
  if (pool.memory_budget_bytes && pool.memory_bytes > pool.memory_budget_bytes) {
    found.push({
      level: "warn",
      words: `${pool.name} holds ${bytes(pool.memory_bytes)} of a budget of ${bytes(pool.memory_budget_bytes)}`,
    });
  }
  return [...found, ...ofPoolsPast(pool, events, now)];
}

function ofWorker(worker, pool, events) {
  const name = `${pool.name}/${worker.slot}`;
  if (worker.state === "backing_off") {
    const last = lastOf(events, (event) => event.kind === "back_off" && concerns(event, pool.name, worker.slot));
    const since = last ? ` since ${clock(date(last.at))}: ${last.message.replace(`${name}: `, "")}` : "";
    return [{ level: "bad", words: `${name} is in back-off${since}`, worker: name }];
  }
  if (worker.state === "drained") {
    return [{ level: "notice", words: `${name} was taken out by an operator`, worker: name }];
  }
  if (worker.waiting_for) {
    const words = `${name} is to be replaced (${worker.pending_recycle}) and waits: ${worker.waiting_for}`;
    return [{ level: "notice", words, worker: name }];
  }
  return [];
}

/** Slots that nobody stands in just now, and where none is backing off. */
function absent(pool) {
  const slots = new Map();
  for (const worker of pool.workers) slots.set(worker.slot, [...(slots.get(worker.slot) ?? []), worker.state]);
  const away = [...slots].filter(([, states]) =>
    !states.some((state) => ["ready", "drained", "backing_off"].includes(state)));
  if (!away.length) return [];
  const names = away.map(([slot, states]) => `${pool.name}/${slot} is ${states.at(-1).replace("_", " ")}`);
  return [{ level: "notice", words: list(names) }];
}

function ofPoolsPast(pool, events, now) {
  const found = [];
  const latest = events.filter((event) => event.pool === pool.name && now - date(event.at) < recent);
  const lost = latest.reduce((sum, event) => sum + (event.exit?.requests_lost ?? 0), 0);
  if (lost) found.push({ level: "warn", words: `${pool.name} lost ${plural(lost, "request")} in the last 15 minutes` });
  const crashes = latest.filter((event) => event.exit?.reason === "crash" || event.exit?.reason === "stuck");
  if (crashes.length) {
    const last = crashes.at(-1);
    const how = `${last.exit.reason}${last.exit.measured ? `, ${last.exit.measured}` : ""}`;
    found.push({
      level: "warn",
      words: `${pool.name}/${last.slot} ended at ${moment(date(last.at), now)}: ${how}`
        + (crashes.length > 1 ? `; ${crashes.length} such ends in the last 15 minutes` : ""),
      worker: `${pool.name}/${last.slot}`,
    });
  }
  const deploy = lastOf(events, (event) => event.pool === pool.name && /^deploy/.test(event.kind));
  if (deploy?.kind === "deploy_failed") found.push({ level: "warn", words: deploy.message });
  const stuck = lastOf(latest, (event) => event.kind === "stuck");
  const standing = stuck && pool.workers.some((one) => one.slot === stuck.slot && one.generation === stuck.generation);
  if (standing && now - date(stuck.at) < 60_000) found.push({ level: "warn", words: stuck.message });
  return found;
}

function ofTheLedger(status, events, now) {
  const wipe = lastOf(events, (event) => event.kind === "wipe_failed" && now - date(event.at) < recent);
  return wipe ? [{ level: "warn", words: wipe.message }] : [];
}

function concerns(event, pool, slot) {
  return event.pool === pool && event.slot === slot;
}

function lastOf(events, fits) {
  return events.findLast(fits);
}
