# Sourced, not run. The servers that are measured, each on a free loopback port, and their origins.

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
  local index limit=
  (($3 == 0)) || limit="maxconn $3"
  haproxy_port=$(free_port)
  {
    echo "global
  nbthread $1
  maxconn 4096
  tune.bufsize 65536
defaults
  mode http
  no log
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 60s
  http-reuse always
frontend front
  bind 127.0.0.1:$haproxy_port
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
  local index
  nginx_port=$(free_port)
  mkdir -p "$work/nginx"
  {
    # As root it would give its workers to a user who may not open the origins' sockets.
    ((EUID != 0)) || echo "user root;"
    echo "worker_processes $1;
daemon off;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $work/nginx/body;
  proxy_temp_path $work/nginx/proxy;
  fastcgi_temp_path $work/nginx/fastcgi;
  uwsgi_temp_path $work/nginx/uwsgi;
  scgi_temp_path $work/nginx/scgi;
  keepalive_requests 1000000000;
  upstream origins {
    least_conn;"
    for ((index = 0; index < $2; index++)); do echo "    server unix:$work/origin-$index.sock max_fails=0;"; done
    echo "    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:$nginx_port;
    location / {
      proxy_pass http://origins;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header X-Forwarded-For \$remote_addr;
      proxy_buffers 8 32k;
    }
  }
}"
  } >"$work/nginx.conf"
  start "$work/nginx.log" nginx -c "$work/nginx.conf" -p "$work/nginx"
  serving nginx "$nginx_port" "$work/nginx/error.log"
  nginx_pids="$pid $(cat "/proc/$pid/task/$pid/children")"
}

# start_masterpool THREADS WORKERS CONCURRENCY: sets masterpool_port, masterpool_pids (the proxy), supervisor_pid.
start_masterpool() {
  local place=$work/masterpool
  mkdir -p "$place"
  masterpool_port=$(free_port)
  cat >"$place/masterpool.yaml" <<YAML
state_dir: $place/state
run_dir: $place/run
listen:
  - address: 127.0.0.1:$masterpool_port
proxy:
  threads: $1
pools:
  origins:
    master: command
    command: ["$bin/stub-master", "--bench", "--socket", "{socket}"]
    workers: $2
    concurrency: $3
    recycle: {every: off}
    stop: {drain: 5s, terminate: 2s}
routes:
  - {path: /, allow: any, pool: origins}
control:
  socket: control.sock
YAML
  start "$place/log" "$bin/masterpool" run --config "$place/masterpool.yaml"
  supervisor_pid=$pid
  serving masterpool "$masterpool_port" "$place/log"
  local status
  status=$("$bin/masterpool" status --json --control "$place/run/control.sock" | tr -d '\n ')
  masterpool_pids=$(sed -n 's/.*"proxy":{\([^}]*\).*/\1/p' <<<"$status" | grep -oE '"pid":[0-9]+' | grep -oE '[0-9]+')
  [[ -n $masterpool_pids ]] || { echo "no proxy in the status: $status" >&2; exit 1; }
}

# stop_servers: all that were started, latest first.
stop_servers() {
  local index
  for ((index = ${#started[@]} - 1; index >= 0; index--)); do end "${started[index]}" 20 || true; done
  started=()
}
