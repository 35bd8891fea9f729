# Sourced by scripts/bench. The proxy beside HAProxy and nginx: same origins, same load, alternating runs, medians.

rounds=5 seconds=6 connections=32 origins=4
if $quick; then rounds=3 seconds=2; fi
results=$work/results

# measure NAME CASE PATH: one run, one line of results.
measure() {
  local name=$1 case=$2 path=$3
  local port=${name}_port pids=${name}_pids before after idle
  # shellcheck disable=SC2086 # a list of pids
  before=$(cpu_ns ${!pids})
  idle=$(cpu_ns "$supervisor_pid")
  load "http://127.0.0.1:${!port}$path" "$seconds" "$connections"
  # shellcheck disable=SC2086
  after=$(cpu_ns ${!pids})
  awk -v ns="$((after - before))" -v n="$requests" -v name="$name" -v kind="$case" -v rate="$rate" -v p50="$p50_ms" \
    -v p99="$p99_ms" -v failures="$failures" \
    'BEGIN {printf "%s %s %.2f %.0f %.3f %.3f %d\n", kind, name, ns / 1000 / n, rate, p50, p99, failures}' >>"$results"
  if [[ $name == masterpool ]]; then
    awk -v ns="$(($(cpu_ns "$supervisor_pid") - idle))" -v n="$requests" 'BEGIN {print ns / 1000 / n}' >>"$work/beside"
  fi
}

# row CASE NAME LABEL PROXY: the medians of one server.
row() {
  local column values=()
  for column in 3 4 5 6; do
    values+=("$(awk -v c="$column" -v kind="$1" -v name="$2" '$1 == kind && $2 == name {print $c}' "$results" | median)")
  done
  local lost
  lost=$(awk -v kind="$1" -v name="$2" '$1 == kind && $2 == name {n += $7} END {print n + 0}' "$results")
  printf '| %s | %s | %.1f | %.0f | %.2f | %.2f | %d |\n' "$3" "$4" "${values[@]}" "$lost"
}

declare -A labels=([masterpool]=masterpool [haproxy]=HAProxy [nginx]=nginx)

# compare CASE PATH LABEL NAME…
compare() {
  local case=$1 path=$2 label=$3 round name
  shift 3
  for name in "$@"; do load "http://127.0.0.1:$(eval echo "\$${name}_port")$path" 1 "$connections"; done
  for ((round = 0; round < rounds; round++)); do
    for name in "$@"; do measure "$name" "$case" "$path"; done
  done
  for name in "$@"; do row "$case" "$name" "$label" "${labels[$name]}"; done
}

echo "Machine: $(machine). $(haproxy -v | head -n 1 | sed 's/^\(HAProxy version [^ -]*\).*/\1/'), $(nginx -v 2>&1 |
  sed 's/.*: //'). wrk -c$connections, $origins origins on unix sockets, medians of $rounds alternating runs of $seconds s."
echo
echo '| load | proxy | CPU µs a request | requests/s | p50 ms | p99 ms | failed |'
echo '| --- | --- | ---: | ---: | ---: | ---: | ---: |'
for threads in 1 2; do
  start_origins "$origins"
  start_haproxy "$threads" "$origins" 0
  start_nginx "$threads" "$origins"
  start_masterpool "$threads" "$origins" $((connections / origins))
  noun=$( ((threads == 1)) && echo thread || echo threads)
  compare "small-$threads" / "small, $threads $noun" masterpool haproxy nginx
  compare "large-$threads" /16k "16 KiB, $threads $noun" masterpool haproxy nginx
  stop_servers
done
start_origins "$origins"
start_haproxy 1 "$origins" 1
start_masterpool 1 "$origins" 1
compare "queued" / "small, 1 thread, one request at a time in each origin" masterpool haproxy
stop_servers

echo
echo "masterpool's supervisor, in its own process, used $(median <"$work/beside" | awk '{printf "%.2f", $1}') µs a request beside that."
awk '{sum[$1 " " $2] = sum[$1 " " $2] " " $3} END {for (key in sum) print key ":" sum[key]}' "$results" | sort |
  sed 's/^/CPU µs a request, each run: /' >&2
