// `GET /metrics`, for what the status does not say: how long requests take.

/** A map from a family's sample name to its samples, `{labels, value}`. */
export function readMetrics(text) {
  const families = new Map();
  for (const line of text.split("\n")) {
    if (!line || line.startsWith("#")) continue;
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const samples = families.get(match[1]) ?? [];
    samples.push({ labels: readLabels(match[2] ?? ""), value: Number(match[3].replace("Inf", "Infinity")) });
    families.set(match[1], samples);
  }
  return families;
}

function readLabels(text) {
  const labels = {};
  for (const [, name, value] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"/g)) {
    labels[name] = value.replace(/\\(.)/g, (_, letter) => (letter === "n" ? "\n" : letter));
  }
  return labels;
}

/** A histogram's buckets, those of equal `by` labels added up: a map from the label to a list of {le, count}. */
export function histogram(families, name, by) {
  const found = new Map();
  for (const { labels, value } of families.get(`${name}_bucket`) ?? []) {
    const key = by.map((label) => labels[label] ?? "").join(" ");
    const buckets = found.get(key) ?? new Map();
    const le = Number(String(labels.le).replace("+Inf", "Infinity"));
    buckets.set(le, (buckets.get(le) ?? 0) + value);
    found.set(key, buckets);
  }
  return found;
}

/** What came in between; an earlier state that counts more was another process's. */
export function difference(now, before) {
  const grown = new Map();
  for (const [le, value] of now) {
    const by = value - (before?.get(le) ?? 0);
    if (by < 0) return new Map(now);
    grown.set(le, by);
  }
  return grown;
}

export function total(buckets) {
  return Math.max(0, ...buckets.values());
}

/** Within its bucket taken as even, as Prometheus does; null without a request. */
export function quantile(buckets, share) {
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (!all) return null;
  const rank = share * all;
  let [below, before] = [0, 0];
  for (const [le, value] of sorted) {
    if (value >= rank) {
      if (le === Infinity) return below;
      return value === before ? le : below + (le - below) * ((rank - before) / (value - before));
    }
    [below, before] = [le, value];
  }
  return below;
}
