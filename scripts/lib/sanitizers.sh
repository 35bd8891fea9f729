# Sourced, not run. What a test run under a sanitizer needs around it; uses what scripts/test sets.

# prepare_sanitizer NAME: for the processes that are started from now on.
prepare_sanitizer() {
  # Swift's own report of a crash reads all of the memory, which the sanitizer takes for another crash: neither ends.
  export SWIFT_BACKTRACE=enable=no
  case $1 in
  thread)
    local door=$PWD/.build-thread/swift_mutex.so
    clang -O1 -shared -fPIC -o "$door" Tests/Sanitizers/swift_mutex.c -ldl
    export LD_PRELOAD=$door
    # It must place its memory where it wants to, which more random bits than it knows of do not allow.
    export TSAN_OPTIONS=halt_on_error=0:history_size=4
    ;;
  # The runtime keeps what it made once for all; leaks of ours show in the tests that count memory.
  address) export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:handle_sigill=1 ;;
  esac
}

# count_reports: each kind of report counts as a failure, though the test that caused it may have passed.
count_reports() {
  local kinds
  kinds=$(grep -hE '^SUMMARY: (Address|Thread)Sanitizer' "$logs"/*.log | sort | uniq -c || true)
  [[ -n $kinds ]] || return 0
  echo "The sanitizer reports:"
  echo "$kinds"
  failed=$((failed + $(wc -l <<<"$kinds")))
}
