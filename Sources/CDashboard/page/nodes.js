// The nodes: who asked, when, and how their runs went: `/v1/nodes`.
import { ask } from "./api.js";
import { at, cell, h, keep, row, setAttribute, setHidden, setText } from "./dom.js";
import { bytes, count, date, moment, plural, span } from "./format.js";
import { live } from "./live.js";

const every = 20_000;
const most = 5000; // asked for; beyond it `masterpool nodes` is the better tool
const pageSize = 25;
const overdueSpans = { "35m": 2100, "1h": 3600, "2h": 7200, "6h": 21_600, "24h": 86_400 };

const columns = [
  { key: "name", title: "Node", words: (node) => node.name },
  { key: "last_seen_at", title: "Last seen", words: (node) => when(node.last_seen_at), isTime: true },
  { key: "last_run_started_at", title: "Last run", words: (node) => when(node.last_run_started_at), isTime: true },
  { key: "last_run_seconds", title: "Run time", words: (node) => span(node.last_run_seconds), isNumber: true },
  { key: "last_status", title: "Status", words: (node) => node.last_status ?? "–" },
  { key: "catalog_seconds", title: "Catalog", words: (node) => span(node.catalog_seconds), isNumber: true },
  { key: "agent_version", title: "Agent", words: (node) => node.agent_version ?? "–" },
  { key: "requests_total", title: "Requests", words: (node) => count(node.requests_total), isNumber: true },
  { key: "bytes_total", title: "Bytes", words: (node) => bytes(node.bytes_total), isNumber: true },
  { key: "refused_total", title: "Refused", words: (node) => count(node.refused_total), isNumber: true },
];

let nodes = [];
let total = 0;
/** The setting. */
let overdueSeconds = null;
let page = 0;
/** Overdue first until a column is chosen. */
let sort = { key: null, isDown: false };
let timer = null;

export function startNodes() {
  const form = at("nodes-filters");
  form.addEventListener("input", () => {
    page = 0;
    show();
  });
  form.overdue.addEventListener("change", refreshNodes);
  form.addEventListener("submit", (event) => event.preventDefault());
  at("nodes-back").addEventListener("click", () => turn(-1));
  at("nodes-next").addEventListener("click", () => turn(1));
  at("nodes-table").tHead.append(row(columns.map((column) =>
    h("th", { scope: "col", role: "columnheader", "data-key": column.key, class: column.isNumber ? "number" : null },
      h("button", { type: "button", class: "sort", onclick: () => sortBy(column) }, column.title)))));
}

export async function refreshNodes() {
  clearTimeout(timer);
  try {
    if (live.link.isUp && !document.hidden) take(await ask("/v1/nodes", { limit: most, sort: "silent" }));
  } catch (error) {
    absent(`The nodes cannot be shown now: ${error.message}.`);
  }
  timer = setTimeout(refreshNodes, every);
}

function take(document) {
  if (!document?.nodes) return absent("This supervisor keeps no account of nodes.");
  nodes = document.nodes;
  total = document.total ?? nodes.length;
  overdueSeconds = document.overdue_seconds ?? null;
  show();
}

function absent(words) {
  nodes = [];
  for (const id of ["nodes-table", "nodes-pages", "nodes-filters"]) setHidden(at(id), true);
  setText(at("nodes-count"), "");
  setText(at("nodes-none"), words);
  setHidden(at("nodes-none"), false);
}

function sortBy({ key, isNumber, isTime }) {
  sort = sort.key === key ? { key, isDown: !sort.isDown } : { key, isDown: Boolean(isNumber || isTime) };
  page = 0;
  show();
}

function turn(by) {
  page += by;
  show();
}

function show() {
  const form = at("nodes-filters");
  const now = Date.now();
  const limit = overdueSpans[form.overdue.value] * 1000;
  // As set: the supervisor knows when nobody listened, which makes no node overdue.
  const isOverdue = (node) => (limit ? now - date(node.last_seen_at) > limit : Boolean(node.overdue));
  setText(at("nodes-as-set"), overdueSeconds ? `as set: ${span(overdueSeconds)}` : "as set");
  const part = form.name.value.trim().toLowerCase();
  const overdue = nodes.filter(isOverdue);
  const fitting = (form.only.checked ? overdue : nodes).filter((node) => String(node.name).toLowerCase().includes(part));
  const ordered = order(fitting);
  const pages = Math.max(1, Math.ceil(ordered.length / pageSize));
  page = Math.min(Math.max(0, page), pages - 1);
  const shown = ordered.slice(page * pageSize, (page + 1) * pageSize);
  setHidden(form, false);
  setHidden(at("nodes-table"), shown.length === 0);
  setHidden(at("nodes-none"), shown.length > 0);
  setText(at("nodes-none"), nodes.length ? "No node fits." : "No node has asked yet.");
  setText(at("nodes-count"), `${plural(total, "node")}, ${count(overdue.length)} overdue`
    + (total > nodes.length ? `; ${count(nodes.length)}, the longest silent, are here` : ""));
  for (const head of at("nodes-table").tHead.querySelectorAll("th")) {
    setAttribute(head, "aria-sort", head.dataset.key === sort.key ? (sort.isDown ? "descending" : "ascending") : null);
  }
  keep(at("nodes-table").tBodies[0], shown, (node) => node.name, make, (element, node) => update(element, node, isOverdue(node)));
  setHidden(at("nodes-pages"), pages < 2);
  setText(at("nodes-page"), `${page * pageSize + 1} to ${page * pageSize + shown.length} of ${count(ordered.length)}`);
  at("nodes-back").disabled = page === 0;
  at("nodes-next").disabled = page >= pages - 1;
}

function order(found) {
  // Without a column: who was not seen for longest comes first, and so the overdue ones do.
  const { key, isDown } = sort.key ? sort : { key: "last_seen_at", isDown: false };
  const isText = (value) => typeof value === "string";
  return found.toSorted((a, b) => {
    const [one, other] = [a[key] ?? null, b[key] ?? null];
    if (one === null || other === null) return (one === null) - (other === null); // Unknown ones last, either way.
    const by = isText(one) ? (one < other ? -1 : one > other ? 1 : 0) : one - other;
    return isDown ? -by : by;
  });
}

function make(node) {
  return row(columns.map((column, index) => index === 0
    ? h("th", { scope: "row", role: "rowheader" }, h("span", { class: "words" }), h("span", { class: "tags" }))
    : cell(column.title, { class: column.isNumber ? "number" : null })), { "data-node": node.name });
}

function update(element, node, isOverdue) {
  columns.forEach((column, index) => {
    const place = element.children[index];
    setText(index === 0 ? place.firstChild : place, column.words(node));
  });
  const tags = [isOverdue && "overdue", node.run_started_at && "runs", node.quarantined && "quarantined", node.last_status === "failed" && "run failed"].filter(Boolean);
  keep(element.querySelector(".tags"), tags, (tag) => tag, (tag) => h("span", { class: tag === "runs" ? "tag" : "tag bad" }, tag));
}

function when(text) {
  return moment(date(text));
}
