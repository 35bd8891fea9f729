// Commands: with the token, after a question, with the reply shown.
import { command, token, tries } from "./api.js";
import { at, h, setHidden, setText } from "./dom.js";
import { clock } from "./format.js";

let onChange = () => {};
let act = null;

/** - changed: called when commands become possible, or are so no more. */
export function startActions(changed) {
  onChange = changed;
  at("unlock").addEventListener("click", () => (token.get() ? lock() : openToken()));
  wire(at("token-dialog"), unlock);
  wire(at("act-dialog"), perform);
  name();
}

/** Nothing is sent anywhere by the form itself. */
function wire(dialog, submit) {
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  dialog.querySelector("[value=cancel]").addEventListener("click", () => dialog.close());
}

function name() {
  setText(at("unlock"), token.get() ? "Lock" : "Unlock");
  at("unlock").title = token.get() ? "Forget the token: read-only again" : "Read-only; commands need the token";
  document.documentElement.dataset.unlocked = token.get() ? "yes" : "no";
}

function openToken() {
  setText(at("token-wrong"), "");
  at("token").value = "";
  at("token-dialog").showModal();
  at("token").focus();
}

function lock() {
  token.drop();
  name();
  onChange();
}

async function unlock() {
  const given = at("token").value.trim();
  if (!given || !/^[\x21-\x7e]+$/.test(given)) return setText(at("token-wrong"), "A token is printable, without spaces.");
  const { isTaken, why } = await tries(given);
  if (!isTaken) return setText(at("token-wrong"), why);
  token.set(given);
  at("token-dialog").close();
  name();
  onChange();
}

/**
 * Asks, and then does it: `{title, words, go, command(text, isKept), field?: {label, value, mode}, check?(text), keeps?,
 * done?()}`. `check` says what is wrong with the field's text; `keeps` offers to keep it over reloads and starts.
 */
export function openAct(wanted) {
  act = wanted;
  setText(at("act-title"), act.title);
  setText(at("act-words"), act.words);
  setText(at("act-go"), act.go);
  setText(at("act-wrong"), "");
  setHidden(at("act-field"), !act.field);
  setHidden(at("act-keep"), !act.keeps);
  at("act-persist").checked = false;
  if (act.field) {
    setText(at("act-label"), act.field.label);
    at("act-value").value = act.field.value;
    at("act-value").inputMode = act.field.mode ?? "text";
  }
  at("act-dialog").showModal();
  (act.field ? at("act-value") : at("act-go")).focus();
}

async function perform() {
  const text = at("act-value").value.trim();
  const wrong = act.field && act.check ? act.check(text) : null;
  if (wrong) return setText(at("act-wrong"), wrong);
  at("act-go").disabled = true;
  try {
    const reply = await command(act.command(text, at("act-persist").checked));
    at("act-dialog").close();
    tell("good", `${act.title.replace(/\?$/, "")}: ${reply.message}`);
    act.done?.();
  } catch (error) {
    setText(at("act-wrong"), error.message);
    if (error.status === 401) lock();
  } finally {
    at("act-go").disabled = false;
  }
}

/** A reply stays for a while, or until it is closed. */
function tell(level, words) {
  const reply = h("p", { class: `reply ${level}` }, h("span", { class: "muted" }, clock(new Date())), ` ${words} `,
    h("button", { type: "button", class: "quiet", "aria-label": "Close this reply", onclick: () => reply.remove() }, "Close"));
  at("replies").append(reply);
  while (at("replies").children.length > 3) at("replies").firstChild.remove();
  setTimeout(() => reply.remove(), 20_000);
}
