# Sourced by scripts/bench. Plain requests, the proxy beside HAProxy and nginx: same origins, same load.

origins=4
rounds=9 seconds=1
if $quick; then rounds=1 seconds=1; fi
results=$work/proxy

# The loads, for a server's name. `path`, `connections` are set below.
asks() { local port=$1_port; load "http://127.0.0.1:${!port}$path" "$seconds" "$connections"; }
sends() { local port=$1_port; agent request --port "${!port}" --connections "$connections" --seconds "$seconds" --upload $((1 << 20)); }

declare -A sizes=([/]=small [/16k]="16 KiB" [/1m]="1 MiB")

echo
echo "Plain requests: wrk with one thread, $origins origins on unix sockets, medians of $rounds alternating runs of $seconds s."
head_of_table load request
for threads in 1 2; do
  noun=$( ((threads == 1)) && echo thread || echo threads)
  start_all "$threads" "$origins" 64
  for connections in 32 256; do
    for path in / /16k /1m; do
      compare "$threads-$connections-$path" "${sizes[$path]}, $connections connections, $threads $noun" asks masterpool haproxy nginx
    done
  done
  connections=32
  compare "$threads-upload" "upload of 1 MiB, 32 connections, $threads $noun" sends masterpool haproxy nginx
  stop_servers
done
start_origins "$origins"
start_haproxy 1 "$origins" 1
start_masterpool 1 "$origins" 1
path=/ connections=32
compare queued "small, 32 connections, 1 thread, one request at a time in each origin" asks masterpool haproxy
stop_servers

echo
echo "masterpool's supervisor, in its own process, used $(median <"$results.beside" | awk '{printf "%.2f", $1}') µs a request beside that."
each_run request
