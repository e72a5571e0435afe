# Lists missing updates. Exit codes: 0 listed, 1 the package manager failed, 3 neither apt nor dnf is here.
set -u
export LC_ALL=C
missing=0
security=0
if command -v apt-get >/dev/null; then
  plan=$(apt-get -s -o Debug::NoLocking=1 dist-upgrade </dev/null 2>&1) || {
    printf '%s\n' "$plan" >&2
    exit 1
  }
  # "Inst NAME [OLD] (NEW ORIGIN, ORIGIN [ARCH])"
  while IFS= read -r line; do
    missing=$((missing + 1))
    mark=' '
    if [[ $line =~ \(.*(-[Ss]ecurity|Debian-Security|/.*-security).*\) ]]; then
      security=$((security + 1))
      mark='S'
    fi
    printf '%s %s\n' "$mark" "${line#Inst }"
  done < <(grep '^Inst ' <<<"$plan")
  newest=$(find /var/lib/apt/lists -maxdepth 1 -name '*Release' -printf '%T@\n' 2>/dev/null | sort -n | tail -n 1)
  if [[ -n $newest ]]; then printf 'VIGIA_FIELD lists_age_hours=%d\n' "$((($(date +%s) - ${newest%.*}) / 3600))"; fi
elif command -v dnf >/dev/null; then
  list=$(dnf --quiet check-update </dev/null 2>/dev/null)
  [[ $? -eq 0 || $? -eq 100 ]] || exit 1
  missing=$(grep -Ec '^[^[:space:]]+\.[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+' <<<"$list")
  security=$(dnf --quiet updateinfo list --security </dev/null 2>/dev/null | awk 'NF >= 3 { print $NF }' | sort -u | wc -l)
  printf '%.60000s\n' "$list"
else
  echo 'neither apt nor dnf is here' >&2
  exit 3
fi
printf 'VIGIA_FIELD missing_count=%d\n' "$missing"
printf 'VIGIA_FIELD security_count=%d\n' "$security"
