# Sourced, not run. What is read off processes and off the load clients, and how servers are compared.

# cpu_ns PID…: user and system time of all their threads so far.
cpu_ns() {
  local pid
  for pid in "$@"; do cat /proc/"$pid"/task/*/schedstat; done 2>/dev/null | awk '{sum += $1} END {printf "%.0f\n", sum}'
}

# pss_kib PID…
pss_kib() {
  local pid
  for pid in "$@"; do cat "/proc/$pid/smaps_rollup"; done | awk '/^Pss:/ {sum += $2} END {print sum + 0}'
}

# median: of the numbers on standard input.
median() {
  sort -g | awk '{v[NR] = $1} END {if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}

# load URL SECONDS CONNECTIONS: wrk; sets requests, rate, p50_ms, p99_ms, failures.
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

# agent ARGUMENT…: bench-agent; sets the same, and handshakes and resumed.
agent() {
  local out pair
  out=$("$bin/bench-agent" "$@")
  for pair in $out; do
    case ${pair%%=*} in
    requests | rate | p50_ms | p99_ms | failures | handshakes | resumed) printf -v "${pair%%=*}" %s "${pair#*=}" ;;
    esac
  done
}

declare -A labels=([masterpool]=masterpool [haproxy]=HAProxy [nginx]=nginx)

# head_of_table FIRST-COLUMN WHAT
head_of_table() {
  echo
  echo "| $1 | proxy | CPU µs a $2 | of the best peer | ${2}s/s | p50 ms | p99 ms | failed |"
  echo '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |'
}

# compare CASE LABEL LOADER NAME…: LOADER is called with a server's name and sets what `load` sets. Servers take turns;
# prints a row of medians for each.
compare() {
  local case=$1 label=$2 loader=$3 round name
  shift 3
  for ((round = 0; round < rounds; round++)); do
    for name in "$@"; do measure "$name" "$case" "$loader"; done
  done
  for name in "$@"; do row "$case" "$name" "$label" "$@"; done
}

# measure NAME CASE LOADER: one run, one line of results.
measure() {
  local name=$1 case=$2
  local pids=${name}_pids before after idle
  # shellcheck disable=SC2086 # a list of pids
  before=$(cpu_ns ${!pids})
  idle=$(cpu_ns "$supervisor_pid")
  "$3" "$name"
  # shellcheck disable=SC2086
  after=$(cpu_ns ${!pids})
  awk -v ns="$((after - before))" -v n="$requests" -v name="$name" -v kind="$case" -v rate="$rate" -v p50="$p50_ms" \
    -v p99="$p99_ms" -v failures="$failures" \
    'BEGIN {printf "%s %s %.2f %.0f %.3f %.3f %d\n", kind, name, n ? ns / 1000 / n : 0, rate, p50, p99, failures}' >>"$results"
  if [[ $name == masterpool ]]; then
    awk -v ns="$(($(cpu_ns "$supervisor_pid") - idle))" -v n="$requests" 'BEGIN {if (n) print ns / 1000 / n}' >>"$results.beside"
  fi
}

# value CASE NAME COLUMN: the median.
value() { awk -v c="$3" -v kind="$1" -v name="$2" '$1 == kind && $2 == name {print $c}' "$results" | median; }

# row CASE NAME LABEL NAME…: the medians of one server; ours beside the cheapest of the others.
row() {
  local case=$1 name=$2 label=$3 column values=() lost best share=
  shift 3
  for column in 3 4 5 6; do values+=("$(value "$case" "$name" "$column")"); done
  lost=$(awk -v kind="$case" -v name="$name" '$1 == kind && $2 == name {n += $7} END {print n + 0}' "$results")
  if [[ $name == masterpool ]]; then
    best=$(for other in "$@"; do [[ $other == masterpool ]] || value "$case" "$other" 3; done | sort -g | head -n 1)
    share=$(awk -v ours="${values[0]}" -v best="$best" 'BEGIN {if (best > 0) printf "%.2f", ours / best}')
  fi
  printf '| %s | %s | %.1f | %s | %.0f | %.2f | %.2f | %d |\n' "$label" "${labels[$name]}" "${values[0]}" "$share" \
    "${values[@]:1}" "$lost"
}

# each_run UNIT: every single result, for those who want to see how far they lie apart.
each_run() {
  awk '{sum[$1 " " $2] = sum[$1 " " $2] " " $3} END {for (key in sum) print key ":" sum[key]}' "$results" | sort |
    sed "s/^/CPU µs a $1, each run: /" >&2
}

machine() {
  echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r | cut -d- -f1)"
}

# kernel_tls: `is there` or `is not there`.
kernel_tls() { grep -qw tls /proc/sys/net/ipv4/tcp_available_ulp 2>/dev/null && echo "is there" || echo "is not there"; }

tell_machine() {
  echo "Machine: $(machine). $(haproxy -v | head -n 1 | sed 's/^\(HAProxy version [^ -]*\).*/\1/'), $(nginx -v 2>&1 |
    sed 's/.*: //'), $(openssl version | cut -d' ' -f1-2), $(date -u +%F)."
}
