# Sourced, not run. The steps of scripts/demo, scripts/soak and scripts/screenshots. They share: root demo runs binary
# workers agents control pool nodes, and what may be set: recycle_every, recycle_memory, pool_settings (lines of YAML within the pool),
# more_settings (lines of YAML below all).

if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
tell() { printf '  %s\n' "$*"; }
fail() {
  echo "scripts/${0##*/}: $1" >&2
  exit 1
}

# The longest name below run_dir, and what a unix socket's path may have.
socket_name_room=48 socket_path_limit=107

prepare_folder() {
  local old
  old=$(cat "$demo/masterpool.pid" 2>/dev/null || true)
  if alive "$old" && [[ $(tr '\0' ' ' <"/proc/$old/cmdline") == *"--config $demo/masterpool.yaml"* ]]; then
    demo=/nonexistent # Not ours to touch.
    fail "a demo is running already (pid $old); end it with Ctrl-C or kill $old"
  fi
  rm -rf "$demo"
  mkdir -p "$demo/puppet" "$demo/agents" "$runs"
  run_dir=$demo/run
  if ((${#run_dir} + socket_name_room > socket_path_limit)); then
    short_run=$(mktemp -d /tmp/masterpool-demo.XXXXXX)
    run_dir=$short_run
    tell "Sockets are in $run_dir: their paths would be too long below $demo"
  fi
  control=$run_dir/control.sock
  local roles=(web lb db) index
  nodes=()
  for ((index = 0; index < agents; index++)); do
    nodes+=("${roles[index % 3]}-$((index / 3 + 1)).demo")
  done
  say "Everything goes to $demo"
}

build() {
  need_swift
  say "Building masterpool in release mode (the first time takes some minutes)"
  local began=$SECONDS
  if [[ -t 1 ]]; then
    swift build -c release --product masterpool || fail "the build failed"
  elif ! swift build -c release --product masterpool >"$demo/build.log" 2>&1; then
    tail -n 40 "$demo/build.log" >&2
    fail "the build failed; all of its output is in $demo/build.log"
  fi
  binary=$(swift build -c release --show-bin-path)/masterpool
  tell "done in $((SECONDS - began)) s"
}

make_certificates() {
  "$binary" ca init --dir "$demo/ca" --name "masterpool demo CA" --key rsa2048 >"$demo/ca.log"
  "$binary" ca issue localhost --dir "$demo/ca" --dns localhost --dns puppet >>"$demo/ca.log"
  local node
  for node in "${nodes[@]}"; do
    "$binary" ca issue "$node" --dir "$demo/ca" >>"$demo/ca.log"
    make_agent "$node"
  done
  tell "a CA, localhost's certificate, and one each for ${nodes[*]}"
}

# An agent of its own: configuration, certificates, state and the folder that stands for its machine.
make_agent() {
  local folder=$demo/agents/$1 environment=production
  # One of the later nodes tries what production gets next.
  [[ $1 != *-2.demo ]] || environment=staging
  mkdir -p "$folder/ssl/certs" "$folder/ssl/private_keys" "$folder/root"
  cp "$demo/ca/ca.pem" "$folder/ssl/certs/ca.pem"
  cp "$demo/ca/crl.pem" "$folder/ssl/crl.pem"
  cp "$demo/ca/certs/$1.pem" "$folder/ssl/certs/$1.pem"
  cp "$demo/ca/keys/$1.key" "$folder/ssl/private_keys/$1.pem"
  cat >"$folder/puppet.conf" <<CONF
[main]
vardir = $folder/var
ssldir = $folder/ssl
rundir = $folder/run
logdir = $folder/log
publicdir = $folder/public
certname = $1
server = localhost
environment = $environment
usecacheonfailure = false
CONF
}

write_settings() {
  port=$(free_port 8140)
  web_port=$(free_port 8141)
  local node
  for node in "${nodes[@]}"; do echo "serverport = $port" >>"$demo/agents/$node/puppet.conf"; done
  # Puppet's own line for each catalog tells who compiled it.
  printf '[server]\nlog_level = notice\n' >"$demo/puppet/puppet.conf"
  cat >"$demo/masterpool.yaml" <<YAML
state_dir: "$demo/state"
run_dir: "$run_dir"
listen:
  - address: 127.0.0.1:$port
    tls:
      certificate: ca/certs/localhost.pem
      private_key: ca/keys/localhost.key
      client_ca: ca/ca.pem
      client_crl: ca/crl.pem
      verify_client: optional
pools:
  masters:
    master: puppet
    puppet:
      confdir: puppet
      codedir: ../etc/demo
      adapter: ../etc/masters/puppet/worker.rb
    workers: $workers
    recycle:
      every: ${recycle_every:-15m}
      memory: ${recycle_memory:-600MiB}
      memory_limit: 1GiB${pool_settings:+
    $pool_settings}
control:
  socket: control.sock
  listen: 127.0.0.1:$web_port${more_settings:+
$more_settings}
YAML
  "$binary" check --config "$demo/masterpool.yaml" >"$demo/check.log" 2>&1 ||
    { cat "$demo/check.log" >&2; fail "the settings in $demo/masterpool.yaml have mistakes"; }
}

masterpool() { "$binary" "$@" --control "$control"; }

# read_status KEY…: one value of the status document, by its keys.
read_status() {
  masterpool status --json 2>/dev/null | ruby -rjson -e '
    keys = ARGV.map { |key| key =~ /\A\d+\z/ ? key.to_i : key }
    puts JSON.parse($stdin.read).dig(*keys)' "$@" 2>/dev/null
}

start_pool() {
  # In a session of its own: Ctrl-C is for this script, which then ends the pool in order.
  setsid "$binary" run --config "$demo/masterpool.yaml" >"$demo/masterpool.log" 2>&1 &
  pool=$!
  echo "$pool" >"$demo/masterpool.pid"
  await 120 pool_is_ready || pool_failed "not ready within 120 s"
  tell "pid $pool, agents connect to https://localhost:$port"
}

pool_is_ready() {
  alive "$pool" || pool_failed "it ended"
  [[ $(read_status pools 0 ready) == "$workers" ]]
}

pool_failed() {
  tail -n 30 "$demo/masterpool.log" >&2
  fail "masterpool does not serve: $1; its last words are above, all of them in $demo/masterpool.log"
}

# run_agent NODE [STATUS]: one run, noted in runs/NODE.tsv. Succeeds if it converged, with that exit status if given.
run_agent() {
  local node=$1 folder=$demo/agents/$1 began=${EPOCHREALTIME/[.,]/} status=0 number child
  number=$(($(cat "$runs/$node.tsv" 2>/dev/null | wc -l) + 1))
  mkdir -p "$runs/$node"
  FACTER_demo_root=$folder/root puppet agent --test --confdir "$folder" --color false >"$runs/$node/$number.log" 2>&1 &
  child=$!
  echo "$child" >"$folder/agent.pid"
  wait "$child" || status=$?
  rm -f "$folder/agent.pid"
  local seconds=$(((${EPOCHREALTIME/[.,]/} - began) / 10000)) summary total changed
  summary=$folder/public/last_run_summary.yaml
  total=$(sed -nE '/^resources:/,/^[a-z]/s/^ +total: *([0-9]+).*/\1/p' "$summary" 2>/dev/null || true)
  changed=$(sed -nE '/^resources:/,/^[a-z]/s/^ +changed: *([0-9]+).*/\1/p' "$summary" 2>/dev/null || true)
  seconds=$(printf '%d.%02d' $((seconds / 100)) $((seconds % 100)))
  printf '%s\t%s\t%s\t%s\t%s\n' "$number" "$status" "$seconds" "${total:-0}" "${changed:-0}" >>"$runs/$node.tsv"
  case $status in
  0) tell "$node, run $number: nothing to change in ${total:-0} resources; $seconds s, exit 0" ;;
  2) tell "$node, run $number: ${changed:-0} of ${total:-0} resources changed; $seconds s, exit 2" ;;
  *) tell "$node, run $number: FAILED after $seconds s, exit $status; see $runs/$node/$number.log" ;;
  esac
  if (($# > 1)); then ((status == $2)); else ((status == 0 || status == 2)); fi
}

stop_agents() {
  local file
  [[ ! -d $demo ]] || touch "$demo/agents-must-stop"
  for file in "$demo"/agents/*/agent.pid; do
    [[ ! -e $file ]] || end "$(cat "$file")" 10 || true
  done
}

# Each node runs its agent again and again until all masters are new, and twice at least.
agent_loop() {
  local count=0 result=0
  while ((count < 2)) || [[ ! -e $demo/agents-may-stop ]]; do
    run_agent "$1" || result=1
    count=$((count + 1))
    [[ ! -e $demo/agents-must-stop ]] || return 1
  done
  return "$result"
}

replace_masters_under_agents() {
  local node loops=() before
  before=$(read_status proxy requests_total)
  for node in "${nodes[@]}"; do
    agent_loop "$node" &
    loops+=($!)
  done
  # Not before the agents ask for things: the masters are to be busy.
  requests_came() { [[ $(read_status proxy requests_total) -gt $((before + 10)) ]]; }
  await 60 requests_came || fail "no agent asked for anything within 60 s"
  masterpool restart --wait >"$demo/restart.log" 2>&1 ||
    { cat "$demo/restart.log" >&2; fail "masterpool restart --wait failed"; }
  sed 's/^/  masterpool restart --wait: /' "$demo/restart.log"
  touch "$demo/agents-may-stop"
  # What became of them is in runs/*.tsv, and told from there.
  wait "${loops[@]}" || true
  masterpool status --json >"$demo/status.json"
  masterpool events --json --limit 10000 >"$demo/events.json"
}

next_steps() {
  local me=${binary#"$root"/} socket=${control#"$root"/}
  cat <<TEXT
  Agents connect to    https://localhost:$port
  Status, metrics      http://127.0.0.1:$web_port/v1/status and /metrics
  Logs                 .demo/masterpool.log

  To try, in another terminal, in $root:
    $me status --control $socket
    $me events --follow --control $socket
    $me restart --wait --control $socket
    $me scale masters $((workers + 1)) --control $socket
    FACTER_demo_root=$demo/agents/$first/root puppet agent --test --confdir $demo/agents/$first
    kill -9 \$(pgrep -f 'masterpool: masters/0' | head -1)      # and look at events
TEXT
}
