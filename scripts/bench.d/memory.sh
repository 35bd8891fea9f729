# Sourced by scripts/bench. Memory of the proxy over many requests; the supervisor when nothing happens.

wanted=1000000 idle_seconds=30 workers=8
if $quick; then wanted=200000 idle_seconds=10; fi

start_masterpool 2 "$workers" 8
echo "Machine: $(machine)."
echo

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

mib() { awk -v k="$1" 'BEGIN {printf "%.1f MiB", k / 1024}'; }
cat <<TABLE
| what | measured |
| --- | ---: |
| proxy, PSS after the first seconds of load | $(mib "$warm") |
| proxy, PSS after $total requests ($failed failed) | $(mib "$hot") |
| supervisor, PSS, idle with $workers workers | $(mib "$idle_pss") |
| supervisor, CPU when idle with $workers workers, of one core | $idle % |
| supervisor, PSS after the load | $(mib "$(pss_kib "$supervisor_pid")") |
TABLE
