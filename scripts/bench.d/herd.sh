# Sourced, not run. A crowd of agents at once in front of masters that take their time, one request at a time each.
masters=4
pause=50
agents=1000
rounds=3
if $quick; then agents=300 rounds=1; fi

# A master serves one connection at a time, so an idle one that nginx keeps would hold it against all others.
nginx_upstream=
results=$work/herd.results
declare -A labels=([haproxy]="HAProxy, maxconn 1" [nginx]="nginx, least_conn" [waiting]="masterpool, all wait"
  [returning]="masterpool, limit 200: the others come back")
names=(haproxy nginx waiting returning)

start_slow_origins() {
  local index
  for ((index = 0; index < masters; index++)); do
    start "$work/origin-$index.log" "$bin/stub-master" --slow "${pause}ms" --socket "$work/origin-$index.sock" \
      --journal "$work/journal-origin-$index"
  done
  for ((index = 0; index < masters; index++)); do await 10 test -S "$work/origin-$index.sock"; done
}

# served NAME: requests that the masters behind it have served so far.
served() {
  case $1 in
  haproxy | nginx) cat "$work"/journal-origin-* ;;
  *) cat "$work/journal-$1"-* ;;
  esac 2>/dev/null | grep -c '/work' || true
}

# front NAME QUEUE: a masterpool with masters of its own; sets NAME_port.
front() {
  local masterpool_place=$work/$1 pool_settings="    queue: $2"
  local master_words="\"--slow\", \"${pause}ms\", \"--journal\", \"$work/journal-$1-{index}\""
  start_masterpool 1 "$masters" 1
  printf -v "$1_port" %s "$masterpool_port"
}

# herd NAME: one line: name, served, failed, tries, p50, p99 and whole in ms, % of the masters' time that was idle.
herd() {
  local port=$1_port before after line
  before=$(served "$1")
  line=$("$bin/bench-agent" herd --port "${!port}" --path /work --agents "$agents")
  after=$(served "$1")
  awk -v name="$1" -v line="$line" -v n="$((after - before))" -v pause="$pause" -v masters="$masters" 'BEGIN {
    split(line, part, " ")
    idle = part[6] > 0 ? 100 - 100 * n * pause / (masters * part[6]) : 0
    print name, line, idle < 0 ? 0 : idle }' >>"$results"
}

start_slow_origins
start_haproxy 1 "$masters" 1
start_nginx 1 "$masters"
front waiting "{limit: 10000, timeout: 10m}"
front returning "{limit: 200, retry_after: {min: 1s, max: 1m}}"
echo
echo "$agents agents at once, one request each, in front of $masters masters that take $pause ms, one request at a time;" \
  "agents that are told to come back do. At best the whole takes $((agents * pause / masters)) ms." \
  "Medians of $rounds alternating runs."
echo
echo '| herd | p50 ms | p99 ms | whole ms | tries an agent | not served | masters idle % |'
echo '| --- | ---: | ---: | ---: | ---: | ---: | ---: |'
for ((round = 0; round < rounds; round++)); do
  for name in "${names[@]}"; do herd "$name"; done
done
column() { awk -v name="$1" -v field="$2" '$1 == name {print $field}' "$results" | median; }
for name in "${names[@]}"; do
  printf '| %s | %.0f | %.0f | %.0f | %.2f | %.0f | %.1f |\n' "${labels[$name]}" "$(column "$name" 5)" \
    "$(column "$name" 6)" "$(column "$name" 7)" "$(awk -v n="$(column "$name" 4)" -v a="$agents" 'BEGIN {print n / a}')" \
    "$(column "$name" 3)" "$(column "$name" 8)"
done
stop_servers
