// Numbers and times as a person reads them.

export function bytes(count) {
  if (!Number.isFinite(count)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = Math.abs(count);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit < 2 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${count < 0 ? "−" : ""}${value.toFixed(digits)} ${units[unit]}`;
}

export function count(number) {
  return Number.isFinite(number) ? number.toLocaleString("en-US").replaceAll(",", " ") : "–";
}

export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return "–";
  return perSecond >= 100 ? count(Math.round(perSecond)) : perSecond.toFixed(perSecond >= 10 ? 0 : 1);
}

/** `4.2 s`, `45 s`, `3m 5s`, `2h 5m`, `3d 4h`. */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, "m", 1, "s");
  if (whole < 86400) return pair(whole, 3600, "h", 60, "m");
  return pair(whole, 86400, "d", 3600, "h");
}

function pair(whole, large, largeName, small, smallName) {
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)}${largeName}${rest ? ` ${rest}${smallName}` : ""}`;
}

/** Milliseconds below a second: what a latency needs. */
export function latency(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  return seconds < 0.995 ? `${seconds < 0.01 ? (seconds * 1000).toFixed(1) : Math.round(seconds * 1000)} ms` : span(seconds);
}

const two = (number) => String(number).padStart(2, "0");

export function clock(date) {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function day(date) {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The time alone where it is of today. */
export function moment(date, now = new Date()) {
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) return "–";
  return day(date) === day(now) ? clock(date) : `${day(date)} ${clock(date)}`;
}

/** What the API writes as RFC 3339; null where it is none. */
export function date(text) {
  const read = typeof text === "string" ? new Date(text) : null;
  return read && !Number.isNaN(read.getTime()) ? read : null;
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function list(words, most = 4) {
  const shown = words.length > most ? [...words.slice(0, most - 1), `${words.length - most + 1} more`] : words;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
