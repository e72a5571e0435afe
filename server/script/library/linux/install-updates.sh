# Installs updates. Exit codes: 0 installed, 1 the package manager failed, 3 neither apt nor dnf is here, 5 none was missing, 6
# too little space. What asks for a restart afterwards is said, not done.
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
scope=${VIGIA_PARAM_SCOPE:?no scope given}

for place in / /var; do
  free=$(($(stat -f -c '%a * %S' -- "$place")))
  if ((free < 1073741824)); then
    printf 'refused: %s has less than 1 GiB free\n' "$place" >&2
    exit 6
  fi
done

# Names of the packages to update, for apt.
wanted() {
  local line
  while IFS= read -r line; do
    [[ $scope == all || $line =~ \(.*(-[Ss]ecurity|Debian-Security).*\) ]] || continue
    line=${line#Inst }
    printf '%s\n' "${line%% *}"
  done < <(apt-get -s -o Debug::NoLocking=1 upgrade </dev/null 2>/dev/null | grep '^Inst ')
}

if command -v apt-get >/dev/null; then
  options=(-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
  apt-get "${options[@]}" -qq update </dev/null || exit 1
  mapfile -t packages < <(wanted)
  count=${#packages[@]}
  if ((count > 0)); then
    printf '%s\n' "${packages[@]}"
    command=(apt-get "${options[@]}" -y --only-upgrade --no-remove install -- "${packages[@]}")
    if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
      printf 'would install %d updates\n' "$count"
      exit 0
    fi
    "${command[@]}" </dev/null || exit 1
    mapfile -t rest < <(wanted)
    remaining=${#rest[@]}
  fi
elif command -v dnf >/dev/null; then
  only=()
  [[ $scope == all ]] || only=(--security)
  list=$(dnf --quiet "${only[@]}" check-update </dev/null 2>/dev/null)
  code=$?
  [[ $code -eq 0 || $code -eq 100 ]] || exit 1
  count=$(grep -Ec '^[^[:space:]]+\.[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+' <<<"$list")
  if ((count > 0)); then
    printf '%s\n' "$list"
    if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
      printf 'would install %d updates\n' "$count"
      exit 0
    fi
    dnf -y "${only[@]}" upgrade </dev/null || exit 1
    list=$(dnf --quiet "${only[@]}" check-update </dev/null 2>/dev/null)
    remaining=$(grep -Ec '^[^[:space:]]+\.[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+' <<<"$list")
  fi
else
  echo 'neither apt nor dnf is here' >&2
  exit 3
fi
if ((count == 0)); then
  echo 'no update of that kind is missing' >&2
  exit 5
fi
due=false
[[ ! -e /run/reboot-required ]] || due=true
printf 'VIGIA_FIELD installed_count=%d\n' "$((count - remaining))"
printf 'VIGIA_FIELD remaining_count=%d\n' "$remaining"
printf 'VIGIA_FIELD reboot_due=%s\n' "$due"
