# Sourced by scripts/bench. Memory of idle TLS connections, of the proxy over many requests, and of the supervisor when
# nothing happens.

idle_connections=10000 wanted=1000000 idle_seconds=20 workers=8
if $quick; then idle_connections=2000 wanted=200000 idle_seconds=5; fi
make_certificates

mib() { awk -v k="$1" 'BEGIN {printf "%.1f MiB", k / 1024}'; }

# opens NAME COUNT: holds so many connections and sets growth, in KiB, and failures.
opens() {
  local port=$1_p256_port pids=$1_pids before line output
  # shellcheck disable=SC2086 # a list of pids
  before=$(pss_kib ${!pids})
  coproc holder {
    exec "$bin/bench-agent" hold --port "${!port}" --tls --certificate "$work/tls/agent.pem" --key "$work/tls/agent.key" \
      --connections "$2"
  }
  output=${holder[1]} holder_pid=$!
  started+=("$holder_pid")
  read -r line <&"${holder[0]}"
  failures=$(grep -oE 'failures=[0-9]+' <<<"$line" | cut -d= -f2)
  # What is given back when connections fall idle is given back by now.
  sleep 2
  # shellcheck disable=SC2086
  growth=$(($(pss_kib ${!pids}) - before))
  exec {output}>&-
  wait "$holder_pid" 2>/dev/null || true
}

echo
echo "Idle TLS connections, $idle_connections of them, each after a handshake with a client certificate and one small request; two threads."
echo
echo '| proxy | PSS an idle connection | PSS in all | failed |'
echo '| --- | ---: | ---: | ---: |'
start_all 2 4 64
for name in masterpool haproxy nginx; do
  opens "$name" "$idle_connections"
  printf '| %s | %.1f KiB | %s | %d |\n' "${labels[$name]}" \
    "$(awk -v k="$growth" -v n="$idle_connections" 'BEGIN {print k / n}')" "$(mib "$growth")" "$failures"
done
stop_servers

start_masterpool 2 "$workers" 8
sleep 3
before=$(cpu_ns "$supervisor_pid")
sleep "$idle_seconds"
after=$(cpu_ns "$supervisor_pid")
idle=$(awk -v ns=$((after - before)) -v s="$idle_seconds" 'BEGIN {printf "%.2f", ns / 1e7 / s}')
idle_pss=$(pss_kib "$supervisor_pid")

load "http://127.0.0.1:$masterpool_port/" 3 64
total=$requests
failed=$failures
warm=$(pss_kib "$masterpool_pids")
while ((total < wanted)); do
  load "http://127.0.0.1:$masterpool_port/" 5 64
  total=$((total + requests))
  failed=$((failed + failures))
done
hot=$(pss_kib "$masterpool_pids")

cat <<TABLE

| what | measured |
| --- | ---: |
| proxy, PSS after the first seconds of load | $(mib "$warm") |
| proxy, PSS after $total requests ($failed failed) | $(mib "$hot") |
| supervisor, PSS, idle with $workers workers | $(mib "$idle_pss") |
| supervisor, CPU when idle with $workers workers, of one core | $idle % |
| supervisor, PSS after the load | $(mib "$(pss_kib "$supervisor_pid")") |
TABLE
