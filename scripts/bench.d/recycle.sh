# Sourced by scripts/bench: what it takes to replace a Puppet master that is started cold, and one that is forked from a
# warm parent.

need_packages puppet-agent

root=$PWD
catalogs=200
restarts=5 # of each worker
$quick && catalogs=20 restarts=2

make_certificates
mkdir -p "$work/recycle"
ruby "$root/scripts/bench.d/recycle.rb" facts "$work/recycle/facts.json" "$work/recycle/root" 2>"$work/recycle/facter.log"

# recycle_settings NAME PRELOAD CANARY
recycle_settings() {
  mkdir -p "$work/$1/puppet"
  cat >"$work/$1/masterpool.yaml" <<YAML
state_dir: $work/$1/state
run_dir: $work/$1/run
listen:
  - address: unix:$work/$1/front.sock
    tls:
      certificate: $work/tls/p256.chain.pem
      private_key: $work/tls/p256.key
      client_ca: $work/tls/ca.pem
pools:
  masters:
    master: puppet
    puppet:
      confdir: puppet
      codedir: $root/etc/demo
      adapter: $root/etc/masters/puppet/worker.rb
      files: no
$3
    workers: 4
    recycle: {every: off}
    preload: $2
control: {socket: control.sock}
YAML
}

recycle_ready() {
  [[ $("$bin/masterpool" status --json --control "$1/run/control.sock" 2>/dev/null |
    ruby -rjson -e 'puts JSON.parse($stdin.read)["pools"][0]["ready"]' 2>/dev/null) == 4 ]]
}

# measure_recycle NAME LABEL: one row.
measure_recycle() {
  local site=$work/$1
  "$bin/masterpool" run --config "$site/masterpool.yaml" >"$site/log" 2>&1 &
  local pool=$!
  started+=("$pool")
  await 180 recycle_ready "$site" || { tail "$site/log" >&2; return 1; }
  ruby "$root/scripts/bench.d/recycle.rb" measure "$bin/masterpool" "$site" "$work/recycle/facts.json" "$catalogs" \
    "$restarts" "$2" "$work/recycle/numbers" || { tail -n 30 "$site/log" >&2; return 1; }
  end "$pool" 60 || true
}

canary="      canary: web-1.demo
      canary_facts: $work/recycle/facts.json"
recycle_settings cold no ""
recycle_settings warm yes ""
recycle_settings canary yes "$canary"

echo "Four Puppet masters over the demo's environment: replaced one by one, $restarts times each; $catalogs catalogs in each."
echo
echo "| workers | decision to ready, median | longest | of cold | first catalog | PSS a worker after 0 catalogs | of cold | after $catalogs | of cold | parent's PSS |"
echo '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |'
measure_recycle cold "cold"
measure_recycle warm "forked, no canary"
measure_recycle canary "forked, canary"
