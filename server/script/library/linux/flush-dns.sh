# Empties resolver caches. Exit codes: 0 at least one was flushed, 1 one refused, 4 none runs here.
set -u
export LC_ALL=C
flushed=''
failed=''

# try NAME COMMAND…: counts as flushed or failed.
try() {
  name=$1
  shift
  if "$@"; then flushed="$flushed $name"; else failed="$failed $name"; fi
}

runs() {
  for comm in /proc/[0-9]*/comm; do
    if [ "$(cat "$comm" 2>/dev/null)" = "$1" ]; then return 0; fi
  done
  return 1
}

signal_all() {
  for comm in /proc/[0-9]*/comm; do
    if [ "$(cat "$comm" 2>/dev/null)" = "$2" ]; then
      pid=${comm#/proc/}
      kill "-$1" "${pid%/comm}" || return 1
    fi
  done
}

# The kernel cuts names of processes to 15 characters.
if runs systemd-resolve && command -v resolvectl >/dev/null; then try systemd-resolved resolvectl flush-caches; fi
if runs nscd && command -v nscd >/dev/null; then try nscd nscd -i hosts; fi
if runs dnsmasq; then try dnsmasq signal_all HUP dnsmasq; fi
if runs unbound && command -v unbound-control >/dev/null; then try unbound unbound-control flush_zone .; fi

echo "VIGIA_FIELD flushed=${flushed# }"
if [ -n "$failed" ]; then
  echo "could not flush:$failed" >&2
  exit 1
fi
if [ -z "$flushed" ]; then
  echo 'no resolver with a cache runs here' >&2
  exit 4
fi
