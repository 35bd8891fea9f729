# Sourced by scripts/bench. A file of 500 MB from disk, in the clear and over TLS, beside nginx; HAProxy serves no files.

origins=1
rounds=5 transfers=2
if $quick; then rounds=2 transfers=1; fi
results=$work/files.results
file_bytes=500000000
make_certificates
mkdir -p "$work/files"
head -c "$file_bytes" /dev/urandom >"$work/files/large"
touch "$work/files/done"

# downloads NAME: one after the other, each over a connection of its own; sets rate (MB/s, the median) and failures.
downloads() {
  local port=$1_port url options=() out code speed rates=()
  url="http://127.0.0.1:${!port}/files/large"
  if [[ $case == tls ]]; then
    port=$1_rsa2048_port
    url="https://127.0.0.1:${!port}/files/large" options=(-k)
  fi
  failures=0
  for ((index = 0; index < transfers; index++)); do
    out=$(curl -sS "${options[@]}" -o /dev/null -w '%{size_download} %{http_code} %{speed_download}' "$url" || true)
    read -r bytes code speed <<<"$out"
    [[ $bytes == "$file_bytes" && $code == 200 ]] || failures=$((failures + 1))
    rates+=("$speed")
  done
  rate=$(printf '%s\n' "${rates[@]}" | median | awk '{print $1 / 1e6}')
}

# transfer NAME: one line: case, name, CPU ms a transfer, MB/s, failures, PSS in MB meanwhile at its end.
transfer() {
  local pids=${1}_pids before after
  # shellcheck disable=SC2086 # a list of pids
  before=$(cpu_ns ${!pids})
  downloads "$1"
  # shellcheck disable=SC2086
  after=$(cpu_ns ${!pids})
  # shellcheck disable=SC2086
  awk -v ns="$((after - before))" -v n="$transfers" -v rate="$rate" -v failed="$failures" -v pss="$(pss_kib ${!pids})" \
    -v kind="$case" -v name="$1" \
    'BEGIN {printf "%s %s %.2f %.0f %d %.1f\n", kind, name, ns / 1e6 / n, rate, failed, pss / 1024}' >>"$results"
}

start_origins "$origins"
start_nginx 1 "$origins"
start_masterpool 1 "$origins" 1
echo
echo "A file of 500 MB in the page cache to curl, one at a time, one thread each; medians of $rounds alternating runs of" \
  "$transfers transfers. TLS 1.3, AES-256-GCM; the kernel's TLS $(kernel_tls)."
echo
echo '| 500 MB | server | CPU ms a transfer | of nginx | MB/s | PSS MiB | failed |'
echo '| --- | --- | ---: | ---: | ---: | ---: | ---: |'
for case in clear tls; do
  # The first brings the file into the cache and is forgotten.
  for name in masterpool nginx; do downloads "$name"; done
  for ((round = 0; round < rounds; round++)); do
    for name in masterpool nginx; do transfer "$name"; done
  done
  for name in masterpool nginx; do
    share=
    [[ $name == nginx ]] || share=$(awk -v ours="$(value "$case" masterpool 3)" -v theirs="$(value "$case" nginx 3)" \
      'BEGIN {if (theirs > 0) printf "%.2f", ours / theirs}')
    printf '| %s | %s | %.0f | %s | %.0f | %.1f | %d |\n' "$([[ $case == tls ]] && echo "over TLS" || echo "in the clear")" \
      "${labels[$name]}" "$(value "$case" "$name" 3)" "$share" "$(value "$case" "$name" 4)" "$(value "$case" "$name" 6)" \
      "$(awk -v kind="$case" -v name="$name" '$1 == kind && $2 == name {n += $5} END {print n + 0}' "$results")"
  done
done
stop_servers
rm -r "$work/files"
each_run transfer
