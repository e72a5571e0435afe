# Empties the package manager's store of downloaded packages. Exit codes: 0 done, 1 the package manager refused, 3 none is
# here, 5 there was nothing to free. With VIGIA_DRY_RUN=1 it only measures.
set -u
export LC_ALL=C

kib() {
  local total
  total=$(du -skx -- "$1" 2>/dev/null | cut -f 1)
  printf '%s' "${total:-0}"
}

if command -v apt-get >/dev/null; then
  store=/var/cache/apt/archives
  clean=(apt-get -o DPkg::Lock::Timeout=60 clean)
elif command -v dnf >/dev/null; then
  store=/var/cache/dnf
  clean=(dnf --quiet clean packages)
elif command -v yum >/dev/null; then
  store=/var/cache/yum
  clean=(yum --quiet clean packages)
elif command -v zypper >/dev/null; then
  store=/var/cache/zypp
  clean=(zypper --non-interactive clean)
else
  echo 'no package manager that this script knows is here' >&2
  exit 3
fi

before=$(kib "$store")
printf '%s holds %d KiB\n' "$store" "$before"
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would run: %s\n' "${clean[*]}"
  exit 0
fi
"${clean[@]}" </dev/null || exit 1
freed=$((before - $(kib "$store")))
((freed > 0)) || freed=0
printf 'VIGIA_FIELD freed_bytes=%d\n' "$((freed * 1024))"
if ((freed == 0)); then
  echo 'nothing was there to free' >&2
  exit 5
fi
