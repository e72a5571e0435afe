# Lists sessions. Exit codes: 0 listed, 3 who is missing.
set -u
export LC_ALL=C
command -v who >/dev/null || {
  echo 'this needs who' >&2
  exit 3
}
sessions=$(who -u 2>/dev/null | cat -v)
printf '%s\n' "${sessions:-nobody is signed in}"
if list=$(loginctl --no-pager --no-legend list-sessions 2>/dev/null); then printf -- '--- sessions\n%s\n' "$list"; fi
printf 'VIGIA_FIELD session_count=%d\n' "$(grep -c . <<<"$sessions")"
printf 'VIGIA_FIELD people=%s\n' "$(awk '{ print $1 }' <<<"$sessions" | sort -u | tr '\n' ' ')"
