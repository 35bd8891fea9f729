# Debian packages that a script needs. Sourced, not run.

# need_packages NAME…: installs those that are missing; says so, and fails with the command to type where it may not.
need_packages() {
  local missing=() name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  local as_root=()
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      echo "These Debian packages are missing; as root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo -n env)
  fi
  echo "Installing from Debian: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get -q update &&
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -q install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "Debian's packages could not be installed: ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
}

# need_swift: the compiler, new enough, with its libraries' headers.
need_swift() {
  local wanted=6.2 found
  if ! command -v swift >/dev/null; then
    echo "swift is not on the PATH; https://www.swift.org/install/linux has it for Debian 12 ($wanted or newer)" >&2
    return 1
  fi
  found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
  if [[ $(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1) != "$wanted" ]]; then
    echo "swift is version $found; $wanted or newer is needed" >&2
    return 1
  fi
}
