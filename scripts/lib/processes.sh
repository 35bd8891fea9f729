# Sourced, not run. Ports, processes and waiting for what they do.

# free_port [WISH]: WISH if nothing listens there on loopback, else a port that the kernel picks.
free_port() {
  perl -MIO::Socket::INET -e '
    for my $port (@ARGV, 0) {
      my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 1, ReuseAddr => 1);
      if ($socket) { print $socket->sockport, "\n"; exit 0 }
    }
    die "no free port\n"' "$@"
}

alive() { [[ -n ${1:-} ]] && kill -0 "$1" 2>/dev/null; }

# await SECONDS COMMAND…: until COMMAND succeeds. Returns 1 when the time is over.
await() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < until)) || return 1
    sleep 0.1
  done
}

gone() { ! alive "$1"; }

# children PID: the processes that it has started and not yet seen the end of.
children() { cat "/proc/$1/task/"*/children 2>/dev/null || true; }

# end PID SECONDS: SIGTERM, and when the time is over SIGKILL, then to its children too. Only ever a process that the
# script has started.
end() {
  alive "$1" || return 0
  kill -TERM "$1" 2>/dev/null || true
  if ! await "$2" gone "$1"; then
    local orphans
    orphans=$(children "$1")
    # shellcheck disable=SC2086
    kill -KILL "$1" $orphans 2>/dev/null || true
    return 1
  fi
}
