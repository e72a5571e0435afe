# Lists packages whose name holds VIGIA_PARAM_NAME. Exit codes: 0 listed, 3 neither dpkg nor rpm is here, 5 none has that name.
set -u
export LC_ALL=C
name=${VIGIA_PARAM_NAME:-}
if command -v dpkg-query >/dev/null; then
  # shellcheck disable=SC2016 # fields of dpkg-query, not of this shell
  list=$(dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Version}\t${Installed-Size}\n' | sed -n 's/^ii[^\t]*\t//p')
elif command -v rpm >/dev/null; then
  list=$(rpm -qa --qf '%{NAME}\t%{VERSION}-%{RELEASE}\t%{SIZE}\n' | awk -F '\t' '{ printf "%s\t%s\t%d\n", $1, $2, $3 / 1024 }' | sort)
else
  echo 'neither dpkg nor rpm is here' >&2
  exit 3
fi
total=$(grep -c . <<<"$list")
found=$list
# The name is handed over as a text, in which no character is special.
[[ -z $name ]] || found=$(VIGIA_WANTED=$name awk -F '\t' 'index($1, ENVIRON["VIGIA_WANTED"])' <<<"$list")
count=$(grep -c . <<<"$found")
printf 'VIGIA_FIELD package_count=%d\n' "$total"
printf 'VIGIA_FIELD found_count=%d\n' "$count"
if ((count == 0)); then
  echo 'none has that name' >&2
  exit 5
fi
[[ -z $name ]] || printf 'VIGIA_FIELD version=%s\n' "$(head -n 1 <<<"$found" | cut -f 2)"
awk -F '\t' '{ printf "%-50s %-35s %10d KiB\n", $1, $2, $3 }' <<<"$found"
