# Sourced by scripts/bench: what of a real agent's runs still needs a worker, with the files from disk and without.

need_packages puppet-agent

root=$PWD
runs_of_each=(first steady big)
big_size=$((500 << 20))
$quick && big_size=$((50 << 20))
# The memory of a worker is sampled by the kernel: its peak since its start.
peak_kib() { sed -nE 's/^VmHWM:\s+([0-9]+) kB/\1/p' "/proc/$1/status" 2>/dev/null || echo 0; }

# A code directory with the demo's environments and one in which every node gets a large file.
prepare_code() {
  cp -r etc/demo "$work/code"
  local environment=$work/code/environments/large
  mkdir -p "$environment/manifests" "$environment/modules/large/files"
  head -c "$big_size" /dev/urandom >"$environment/modules/large/files/large.bin"
  cat >"$environment/manifests/site.pp" <<'PP'
node default {
  file { "${facts['demo_root']}/large.bin": source => 'puppet:///modules/large/large.bin' }
}
PP
}

# prepare_site FILES: certificates, settings and a node for a pool that serves files like this.
prepare_site() {
  site=$work/$1
  mkdir -p "$site/puppet" "$site/agent/ssl/certs" "$site/agent/ssl/private_keys" "$site/agent/root"
  local masterpool=$bin/masterpool
  "$masterpool" ca init --dir "$site/ca" --name "masterpool bench CA" --key rsa2048 >"$site/ca.log"
  "$masterpool" ca issue localhost --dir "$site/ca" --dns localhost >>"$site/ca.log"
  "$masterpool" ca issue web-1.demo --dir "$site/ca" >>"$site/ca.log"
  cp "$site/ca/ca.pem" "$site/agent/ssl/certs/ca.pem"
  cp "$site/ca/crl.pem" "$site/agent/ssl/crl.pem"
  cp "$site/ca/certs/web-1.demo.pem" "$site/agent/ssl/certs/web-1.demo.pem"
  cp "$site/ca/keys/web-1.demo.key" "$site/agent/ssl/private_keys/web-1.demo.pem"
  port=$(free_port)
  cat >"$site/agent/puppet.conf" <<CONF
[main]
vardir = $site/agent/var
ssldir = $site/agent/ssl
rundir = $site/agent/run
logdir = $site/agent/log
publicdir = $site/agent/public
certname = web-1.demo
server = localhost
serverport = $port
usecacheonfailure = false
CONF
  cat >"$site/masterpool.yaml" <<YAML
state_dir: $site/state
run_dir: $site/run
listen:
  - address: 127.0.0.1:$port
    tls:
      certificate: ca/certs/localhost.pem
      private_key: ca/keys/localhost.key
      client_ca: ca/ca.pem
      client_crl: ca/crl.pem
pools:
  masters:
    master: puppet
    puppet: {confdir: puppet, codedir: $work/code, adapter: $root/etc/masters/puppet/worker.rb, files: $1}
    workers: 1
    recycle: {every: off}
control: {socket: control.sock}
YAML
}

# status KEY…: one value of the status document.
status_of() {
  "$bin/masterpool" status --json --control "$site/run/control.sock" | ruby -rjson -e '
    puts JSON.parse($stdin.read).dig(*ARGV.map { |key| key =~ /\A\d+\z/ ? key.to_i : key })' "$@" 2>/dev/null
}

is_ready() { [[ $(status_of pools 0 ready 2>/dev/null) == 1 ]]; }
# The proxy has been told where the files are, or never will be.
knows_files() { [[ $1 == no ]] || grep -q 'the proxy answers for the files' "$site/log"; }

# agent_run NAME: a real run with the requests that it says it made, one a line, in NAME.requests.
agent_run() {
  local name=$1 status=0 environment=production
  [[ $name != big ]] || environment=large
  FACTER_demo_root=$site/agent/root puppet agent --test --debug --color false --environment "$environment" \
    --confdir "$site/agent" >"$site/$name.log" 2>&1 || status=$?
  ((status == 0 || status == 2)) || { tail -n 20 "$site/$name.log" >&2; return 1; }
  grep -oE 'HTTP (GET|POST|PUT|HEAD) https://[^ ]+/puppet/v3/[a-z_]+' "$site/$name.log" |
    sed -E 's|.*/||' >"$site/$name.requests" || true
}

count_of() { grep -cx "$2" "$site/$1.requests" || true; }

# measure_files FILES: one row a run.
measure_files() {
  local name before after worker large_sum
  prepare_site "$1"
  "$bin/masterpool" run --config "$site/masterpool.yaml" >"$site/log" 2>&1 &
  local pool=$!
  started+=("$pool")
  await 120 is_ready || { tail "$site/log" >&2; return 1; }
  await 90 knows_files "$1" || { tail "$site/log" >&2; return 1; }
  for name in "${runs_of_each[@]}"; do
    worker=$(status_of pools 0 workers 0 pid)
    before=$(status_of pools 0 workers 0 requests_total)
    local began=${EPOCHREALTIME/[.,]/}
    agent_run "$name" || return 1
    local seconds=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
    # Counters come once a second.
    sleep 1.5
    after=$(status_of pools 0 workers 0 requests_total)
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$name" "$1" \
      "$(wc -l <"$site/$name.requests")" "$(count_of "$name" file_metadata)" "$(count_of "$name" file_metadatas)" \
      "$(count_of "$name" file_content)" "$((after - before))" \
      "$(((after - before) * 100 / $(wc -l <"$site/$name.requests")))%" \
      "$((seconds / 10)).$((seconds % 10)) s" "$(($(peak_kib "$worker") / 1024)) MiB"
  done
  large_sum=$(sha256sum <"$site/agent/root/large.bin")
  [[ $large_sum == $(sha256sum <"$work/code/environments/large/modules/large/files/large.bin") ]] ||
    { echo "the large file did not come whole" >&2; return 1; }
  end "$pool" 60 || true
}

prepare_code
echo "A real Puppet agent's first run, its second, and one that fetches a file of $((big_size >> 20)) MiB; one worker."
echo
echo '| run | files from disk | requests | file_metadata | file_metadatas | file_content | to the worker | share | time | worker'"'"'s peak |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
measure_files no
measure_files yes
