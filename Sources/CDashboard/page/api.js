// The control API, as far as the page asks it.

const place = "masterpool-token";
const patience = 10_000; // ms for one answer

/** An answer that is an error: its status, 0 where there was none, and its words. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** The document at `path`; null where this supervisor has no such place or keeps no such thing. */
export async function ask(path, query = {}) {
  const response = await send(path, query);
  if (response.status === 404) return null;
  if (!response.ok) throw await refusal(response);
  return response.json();
}

export async function askText(path) {
  const response = await send(path);
  if (response.status === 404) return null;
  if (!response.ok) throw await refusal(response);
  return response.text();
}

export function url(path, query = {}) {
  const wanted = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)])).toString();
  return search ? `${path}?${search}` : path;
}

async function send(path, query = {}, options = {}) {
  try {
    return await fetch(url(path, query), {
      cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(patience), ...options,
    });
  } catch {
    throw new Refused(0, "the supervisor does not answer");
  }
}

async function refusal(response) {
  let words = `${response.status}`;
  try {
    const document = await response.json();
    words = document.error ?? document.message ?? words;
  } catch {
    // An error without words is an error still.
  }
  return new Refused(response.status, String(words));
}

/** Kept for this tab alone. */
export const token = {
  get() {
    try {
      return sessionStorage.getItem(place);
    } catch {
      return token.unkept ?? null;
    }
  },
  set(value) {
    token.unkept = value;
    try {
      sessionStorage.setItem(place, value);
    } catch {
      // Storage may be forbidden: then the page forgets it when it is loaded again.
    }
  },
  drop() {
    token.unkept = null;
    try {
      sessionStorage.removeItem(place);
    } catch {
      // There is nothing to remove, then.
    }
  },
};

/** One `ControlCommand`; its reply. */
export async function command(body, bearer = token.get()) {
  const response = await send("/v1/commands", {}, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/** Whether commands would be taken with this token: asked by one that says nothing, and so is refused by its form. */
export async function tries(bearer) {
  try {
    await command({}, bearer);
    return { isTaken: true };
  } catch (error) {
    if (error.status === 400) return { isTaken: true };
    if (error.status === 401) return { isTaken: false, why: "This is not the token." };
    if (error.status === 403) {
      return { isTaken: false, why: `This address takes no commands: ${error.message}.` };
    }
    return { isTaken: false, why: error.message };
  }
}
