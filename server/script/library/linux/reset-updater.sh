# Mends the package manager. Exit codes: 0 it works, 1 it does not, 3 neither apt nor dnf is here.
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
if command -v apt-get >/dev/null; then
  options=(-o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
  if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
    echo 'half done now:'
    dpkg --audit
    exit 0
  fi
  dpkg --configure -a --force-confdef --force-confold </dev/null || exit 1
  # Entered first and checked then; find follows no link and stays on this file system.
  partial=/var/lib/apt/lists/partial
  if cd -P -- "$partial" 2>/dev/null && [[ $(readlink /proc/self/cwd) == "$partial" ]]; then
    find . -xdev -mindepth 1 -maxdepth 1 -type f -delete
  fi
  cd / || exit 1
  apt-get "${options[@]}" -y --fix-broken --no-remove install </dev/null || exit 1
  apt-get "${options[@]}" -q update </dev/null || exit 1
  [[ -z $(dpkg --audit) ]] || {
    dpkg --audit >&2
    exit 1
  }
elif command -v dnf >/dev/null; then
  if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
    dnf --quiet check </dev/null
    exit 0
  fi
  dnf --quiet clean metadata </dev/null || exit 1
  dnf --quiet makecache </dev/null || exit 1
  dnf --quiet check </dev/null || exit 1
else
  echo 'neither apt nor dnf is here' >&2
  exit 3
fi
echo 'the package manager works'
