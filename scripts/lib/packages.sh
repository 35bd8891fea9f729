# Sourced, not run. What a script needs of the machine: Debian packages, Swift.

# Run by root's sh: installs its arguments. Their services (Prometheus, nginx, HAProxy) are not started, by Debian's own
# means for that: invoke-rc.d and deb-systemd-invoke ask policy-rc.d first. One that is there already has its own word.
quiet_install='
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap "rm -f $policy" EXIT
  trap "exit 130" INT TERM
  printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy" || exit
fi
apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"'

# need_packages NAME…: installs those that are missing, as root or by sudo; ends the script where neither will do.
need_packages() {
  local package missing=() as_root=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing: ${missing[*]}. Run as root: apt-get install ${missing[*]}" >&2
      exit 69
    fi
    as_root=(sudo)
  fi
  echo "Installing from Debian: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! "${as_root[@]}" sh -c "$quiet_install" sh "${missing[@]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "apt-get could not install ${missing[*]}; its last words are above." >&2
    exit 69
  fi
  rm -f "$log"
}

# need_swift: the oldest Swift that Package.swift can be read by.
need_swift() {
  local least=6.2 version
  if ! command -v swift >/dev/null; then
    echo "swift was not found. Install Swift $least or newer (https://www.swift.org/install/linux/) and put it on PATH." >&2
    exit 69
  fi
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  if [[ $(printf '%s\n' "$least" "${version:-0}" | sort -V | head -n 1) != "$least" ]]; then
    echo "Swift ${version:-of an unknown version} is too old; $least or newer is needed (https://www.swift.org/install/linux/)." >&2
    exit 69
  fi
}
