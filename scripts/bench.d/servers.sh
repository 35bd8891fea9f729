# Sourced, not run. The servers that are measured, each on free loopback ports, and their origins. Each listens in the
# clear and, once there are certificates, over TLS with a key of each kind, and tells the origins who the agent is as a
# Puppet master wants to know it.

# How nginx keeps its connections to the origins, and what masterpool's masters are told; herd.sh wants it otherwise.
nginx_upstream='keepalive 64; keepalive_requests 1000000000;'
master_words='"--bench"'

# start LOG COMMAND…: in the background; its pid is in `pid`.
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  started+=("$pid")
}

# answers PORT [PATH]
answers() { curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$1${2:-/}" 2>/dev/null; }

# serving NAME PORT LOG
serving() {
  await 30 answers "$2" || {
    echo "$1 did not answer on port $2; its log:" >&2
    tail -n 20 "$3" >&2
    exit 1
  }
}

has_tls() { [[ -e $work/tls/done ]]; }
has_files() { [[ -e $work/files/done ]]; }

# take_ports NAME: NAME_port, and NAME_rsa2048_port and so on.
take_ports() {
  local kind
  printf -v "$1_port" %s "$(free_port)"
  ! has_tls || for kind in "${key_kinds[@]}"; do printf -v "$1_${kind}_port" %s "$(free_port)"; done
}

# start_origins COUNT: unix sockets origin-0.sock … for the peers.
start_origins() {
  local index
  for ((index = 0; index < $1; index++)); do
    start "$work/origin-$index.log" "$bin/stub-master" --bench --socket "$work/origin-$index.sock"
  done
  for ((index = 0; index < $1; index++)); do
    await 10 test -S "$work/origin-$index.sock"
  done
}

# start_haproxy THREADS ORIGINS MAXCONN: sets haproxy_port, haproxy_pids.
start_haproxy() {
  local index limit= kind port
  (($3 == 0)) || limit="maxconn $3"
  take_ports haproxy
  {
    echo "global
  nbthread $1
  maxconn 12000
  no strict-limits
  tune.bufsize 65536
  tune.ssl.cachesize 50000
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  no log
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  timeout queue 60s
  http-reuse always
frontend front
  bind 127.0.0.1:$haproxy_port backlog 4096"
    if has_tls; then
      for kind in "${key_kinds[@]}"; do
        port=haproxy_${kind}_port
        echo "  bind 127.0.0.1:${!port} backlog 4096 ssl crt $work/tls/$kind.both.pem ca-file $work/tls/ca.pem verify optional crl-file $work/tls/crl.pem"
      done
    fi
    echo "  http-request set-header X-Client-Verify NONE
  http-request set-header X-Client-Verify SUCCESS if { ssl_c_used } { ssl_c_verify 0 }
  http-request set-header X-Client-DN %[ssl_c_s_dn] if { ssl_c_used }
  http-request set-header X-Client-Cert %[ssl_c_der,base64] if { ssl_c_used }
  default_backend origins
backend origins
  balance leastconn
  option forwardfor"
    for ((index = 0; index < $2; index++)); do
      echo "  server o$index unix@$work/origin-$index.sock pool-max-conn -1 $limit"
    done
  } >"$work/haproxy.cfg"
  start "$work/haproxy.log" haproxy -db -f "$work/haproxy.cfg"
  haproxy_pids=$pid
  serving HAProxy "$haproxy_port" "$work/haproxy.log"
}

# start_nginx WORKERS ORIGINS: sets nginx_port, nginx_pids.
start_nginx() {
  local index kind port place files
  take_ports nginx
  mkdir -p "$work/nginx"
  place="proxy_pass http://origins;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header X-Forwarded-For \$remote_addr;
      proxy_buffers 8 32k;"
  files=
  ! has_files || files="location /files/ {
      alias $work/files/;
      sendfile on;
      tcp_nopush on;
    }"
  {
    # As root it would give its workers to a user who may not open the origins' sockets.
    ((EUID != 0)) || echo "user root;"
    echo "worker_processes $1;
worker_rlimit_nofile $(ulimit -n);
daemon off;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
events { worker_connections 15000; }
http {
  access_log off;
  client_body_temp_path $work/nginx/body;
  proxy_temp_path $work/nginx/proxy;
  fastcgi_temp_path $work/nginx/fastcgi;
  uwsgi_temp_path $work/nginx/uwsgi;
  scgi_temp_path $work/nginx/scgi;
  client_max_body_size 64m;
  client_body_buffer_size 64k;
  proxy_request_buffering off;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  upstream origins {
    least_conn;"
    for ((index = 0; index < $2; index++)); do echo "    server unix:$work/origin-$index.sock max_fails=0;"; done
    echo "    $nginx_upstream
  }
  server {
    listen 127.0.0.1:$nginx_port backlog=4096;
    $files
    location / {
      $place
      proxy_set_header X-Client-Verify NONE;
    }
  }"
    if has_tls; then
      echo "  ssl_client_certificate $work/tls/ca.pem;
  ssl_crl $work/tls/crl.pem;
  ssl_verify_client optional;
  ssl_verify_depth 3;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:bench:20m;
  ssl_buffer_size 16k;"
      for kind in "${key_kinds[@]}"; do
        port=nginx_${kind}_port
        echo "  server {
    listen 127.0.0.1:${!port} ssl backlog=4096;
    ssl_certificate $work/tls/$kind.chain.pem;
    ssl_certificate_key $work/tls/$kind.key;
    $files
    location / {
      $place
      proxy_set_header X-Client-Verify \$ssl_client_verify;
      proxy_set_header X-Client-DN \$ssl_client_s_dn;
      proxy_set_header X-Client-Cert \$ssl_client_escaped_cert;
    }
  }"
      done
    fi
    echo "}"
  } >"$work/nginx.conf"
  start "$work/nginx.log" nginx -c "$work/nginx.conf" -p "$work/nginx"
  serving nginx "$nginx_port" "$work/nginx/error.log"
  nginx_pids="$pid $(cat "/proc/$pid/task/$pid/children")"
}

# start_masterpool THREADS WORKERS CONCURRENCY: sets masterpool_port, masterpool_pids (the proxy), supervisor_pid.
start_masterpool() {
  local place=${masterpool_place:-$work/masterpool} kind port
  mkdir -p "$place"
  take_ports masterpool
  {
    echo "state_dir: $place/state
run_dir: $place/run
listen:
  - address: 127.0.0.1:$masterpool_port"
    if has_tls; then
      for kind in "${key_kinds[@]}"; do
        port=masterpool_${kind}_port
        echo "  - address: 127.0.0.1:${!port}
    tls:
      certificate: $work/tls/$kind.chain.pem
      private_key: $work/tls/$kind.key
      client_ca: $work/tls/ca.pem
      client_crl: $work/tls/crl.pem
      verify_client: optional"
      done
    fi
    cat <<YAML
proxy:
  threads: $1
pools:
  origins:
    master: command
    command: ["$bin/stub-master", $master_words, "--socket", "{socket}"]
    workers: $2
    concurrency: $3
${pool_settings:-}
    recycle: {every: off}
    stop: {drain: 5s, terminate: 2s}
routes:
  - {path: /, allow: any, pool: origins}
control:
  socket: control.sock
YAML
    if has_files; then printf 'files:\n  - {path: /files/, folder: %s}\n' "$work/files"; fi
  } >"$place/masterpool.yaml"
  start "$place/log" "$bin/masterpool" run --config "$place/masterpool.yaml"
  supervisor_pid=$pid
  serving masterpool "$masterpool_port" "$place/log"
  local status
  status=$("$bin/masterpool" status --json --control "$place/run/control.sock" | tr -d '\n ')
  masterpool_pids=$(sed -n 's/.*"proxy":{\([^}]*\).*/\1/p' <<<"$status" | grep -oE '"pid":[0-9]+' | grep -oE '[0-9]+')
  [[ -n $masterpool_pids ]] || { echo "no proxy in the status: $status" >&2; exit 1; }
}

# start_all THREADS ORIGINS CONCURRENCY
start_all() {
  start_origins "$2"
  start_haproxy "$1" "$2" 0
  start_nginx "$1" "$2"
  start_masterpool "$1" "$2" "$3"
}

# stop_servers: all that were started, latest first.
stop_servers() {
  local index
  for ((index = ${#started[@]} - 1; index >= 0; index--)); do end "${started[index]}" 20 || true; done
  started=()
}
