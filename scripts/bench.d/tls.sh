# Sourced by scripts/bench. New connections and kept ones over TLS, the proxy beside HAProxy and nginx.

origins=4
rounds=9 seconds=1
if $quick; then rounds=1 seconds=1; fi
results=$work/handshakes
make_certificates

# over_tls NAME ARGUMENT…: bench-agent with its certificate; `kind` is the server key's.
over_tls() {
  local port=$1_${kind}_port command=$2
  shift 2
  agent "$command" --port "${!port}" --tls --certificate "$work/tls/agent.pem" --key "$work/tls/agent.key" \
    --seconds "$seconds" "$@"
}
meets() { over_tls "$1" connect --connections 32; }
meets12() { over_tls "$1" connect --connections 32 --version 1.2; }
# Those that were not resumed after all count as failed; the first of each of the agent's connections cannot be.
returns_with() {
  over_tls "$1" connect --connections 32 --resume --version "$version"
  failures=$((failures + (handshakes - resumed > 32 ? handshakes - resumed - 32 : 0)))
}
returns() { version=1.3 returns_with "$1"; }
returns12() { version=1.2 returns_with "$1"; }
asks() { over_tls "$1" request --connections 32 --path "$path"; }

echo
echo "New TLS connections, each with one small request: verify_client optional and on with a client certificate (RSA-2048)" \
  "below an authority and its root (RSA-4096), both with revocation lists; medians of $rounds alternating runs of $seconds s."
head_of_table handshake connection
for threads in 1 2; do
  noun=$( ((threads == 1)) && echo thread || echo threads)
  start_all "$threads" "$origins" 64
  for kind in "${key_kinds[@]}"; do
    # With two threads the client's own work is the limit; one kind tells.
    ((threads == 1)) || [[ $kind == rsa4096 ]] || continue
    compare "$threads-$kind-full" "full, ${key_names[$kind]}, $threads $noun" meets masterpool haproxy nginx
    compare "$threads-$kind-resumed" "resumed, ${key_names[$kind]}, $threads $noun" returns masterpool haproxy nginx
  done
  if ((threads == 1)); then
    kind=rsa2048
    compare "$threads-$kind-full12" "full, RSA-2048, TLS 1.2, $threads $noun" meets12 masterpool haproxy nginx
    compare "$threads-$kind-resumed12" "resumed, RSA-2048, TLS 1.2, $threads $noun" returns12 masterpool haproxy nginx
  fi
  stop_servers
done
each_run connection

results=$work/kept
kind=rsa2048
echo
echo "Requests over kept TLS connections (TLS 1.3, AES-256-GCM), 32 of them, whose agents have shown their certificates."
head_of_table load request
for threads in 1 2; do
  noun=$( ((threads == 1)) && echo thread || echo threads)
  start_all "$threads" "$origins" 64
  path=/
  compare "$threads-small" "small, $threads $noun" asks masterpool haproxy nginx
  path=/16k
  compare "$threads-16k" "16 KiB, $threads $noun" asks masterpool haproxy nginx
  path=/1m
  compare "$threads-1m" "1 MiB, $threads $noun" asks masterpool haproxy nginx
  stop_servers
done
each_run request
