# Sourced, not run. What is read off processes and off wrk.

# cpu_ns PID…: user and system time of all their threads so far.
cpu_ns() {
  local pid
  for pid in "$@"; do cat /proc/"$pid"/task/*/schedstat; done 2>/dev/null | awk '{sum += $1} END {printf "%.0f\n", sum}'
}

# pss_kib PID
pss_kib() { awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup"; }

# median: of the numbers on standard input.
median() {
  sort -g | awk '{v[NR] = $1} END {if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}

# load URL SECONDS CONNECTIONS: sets requests, rate, p50_ms, p99_ms, failures.
load() {
  local out
  out=$(wrk -t1 -c"$3" -d"$2"s --latency "$1")
  requests=$(awk '/requests in/ {print $1}' <<<"$out")
  rate=$(awk '/^Requests\/sec/ {print $2}' <<<"$out")
  p50_ms=$(awk '$1 == "50%" {print $2}' <<<"$out" | to_ms)
  p99_ms=$(awk '$1 == "99%" {print $2}' <<<"$out" | to_ms)
  failures=$(awk '/Non-2xx/ {n += $NF} /Socket errors/ {gsub(",", ""); n += $4 + $6 + $8 + $10} END {print n + 0}' <<<"$out")
}

to_ms() { awk '/us$/ {print $1 / 1000; next} /ms$/ {print $1 + 0; next} /s$/ {print $1 * 1000}'; }

machine() {
  echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r | cut -d- -f1)"
}
