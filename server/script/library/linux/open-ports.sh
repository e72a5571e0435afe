# Lists ports that listen. Exit codes: 0 listed, 3 ss is missing.
set -u
export LC_ALL=C
command -v ss >/dev/null || {
  echo 'this needs ss' >&2
  exit 3
}
all=0
reachable=0
ports=''
while read -r proto _ _ _ local _ users; do
  all=$((all + 1))
  mark='   '
  case ${local%:*} in
    127.* | '[::1]' | '[::ffff:127.'* | *%lo) ;;
    *)
      mark='out'
      reachable=$((reachable + 1))
      ports="$ports $proto/${local##*:}"
      ;;
  esac
  printf '%s %-4s %-45s %s\n' "$mark" "$proto" "$local" "${users:-}"
done < <(ss -Hltunp 2>/dev/null | sort -u)
printf 'VIGIA_FIELD listening_count=%d\n' "$all"
printf 'VIGIA_FIELD reachable_count=%d\n' "$reachable"
printf 'VIGIA_FIELD reachable=%s\n' "$(tr ' ' '\n' <<<"${ports# }" | sort -u | tr '\n' ' ' | cut -c 1-1500)"
