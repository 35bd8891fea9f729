// The settings in force and where each came from: `/v1/settings`.
import { openAct } from "./actions.js";
import { ask, token } from "./api.js";
import { at, cell, h, keep, row, setHidden, setText } from "./dom.js";
import { live } from "./live.js";

const every = 60_000;
const changes = { live: "effect at once", recycle: "a restart of the masters", proxy: "another proxy", restart: "a new start" };
const words = {
  live: "It is in force at once.", recycle: "It is in force for each master as it is replaced.",
  proxy: "It is in force once another proxy has taken over; no request is lost.",
};
let settings = [];
let timer = null;

export function startSettings() {
  const form = at("settings-filters");
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
}

export async function refreshSettings() {
  clearTimeout(timer);
  try {
    if (live.link.isUp && !document.hidden) take(await ask("/v1/settings"));
  } catch (error) {
    absent(`The settings cannot be shown now: ${error.message}.`);
  }
  timer = setTimeout(refreshSettings, every);
}

function take(document) {
  if (!document?.settings) return absent("This supervisor does not tell its settings.");
  settings = document.settings;
  show();
}

function absent(words) {
  settings = [];
  for (const id of ["settings-table", "settings-filters"]) setHidden(at(id), true);
  setText(at("settings-none"), words);
  setHidden(at("settings-none"), false);
}

export function show() {
  if (!settings.length) return;
  const form = at("settings-filters");
  const part = form.key.value.trim().toLowerCase();
  const shown = settings.filter((one) =>
    one.key.toLowerCase().includes(part) && (!form.changed.checked || one.source !== "default"));
  setHidden(form, false);
  setHidden(at("settings-table"), shown.length === 0);
  setHidden(at("settings-none"), shown.length > 0);
  setText(at("settings-none"), "No setting fits.");
  keep(at("settings-table").tBodies[0], shown, (one) => one.key, make, update);
  for (const acts of at("settings-table").querySelectorAll(".acts")) setHidden(acts, !token.get());
}

function make(one) {
  const element = row([
    h("th", { scope: "row", role: "rowheader" }, h("code", {}, one.key)),
    cell("Value", { class: "value" }, h("code")), cell("From", { class: "from" }), cell("A change takes"),
    cell("Change", { class: "acts" },
      h("button", { type: "button", class: "quiet", "aria-label": `Change ${one.key}`, onclick: () => change(element.setting) }, "Change")),
  ], { "data-key": one.key });
  return element;
}

function update(element, one) {
  element.setting = one;
  const [, value, from, takes, acts] = element.children;
  setText(value.firstChild, one.value ?? "not set");
  setText(from, origin(one));
  setText(takes, changes[one.change] ?? one.change);
  setHidden(acts.firstChild, !words[one.change]);
}

function origin(one) {
  if (one.source === "set") return `set live${one.by ? ` by ${one.by}` : ""}`;
  return one.source === "file" ? one.place : one.source;
}

function change(one) {
  openAct({
    title: `Set ${one.key}`,
    words: words[one.change],
    go: "Set", field: { label: "Value", value: one.value ?? "" }, keeps: true,
    check: (text) => (text ? null : "A value, such as 15m, 600MiB or off."),
    command: (text, persist) => ({ command: "set", values: { [one.key]: text }, persist }),
    done: refreshSettings,
  });
}
