# Prints the last lines of the unit VIGIA_PARAM_UNIT. Exit codes: 0 printed, 2 the name is refused, 3 there is no journalctl, 4
# there is no such unit and no line of it.
set -u
export LC_ALL=C
unit=${VIGIA_PARAM_UNIT:?no unit given}
lines=${VIGIA_PARAM_LINES:-100}
[[ $unit =~ ^[A-Za-z0-9][A-Za-z0-9:_.\\@-]{0,199}$ && $lines =~ ^[0-9]{1,5}$ ]] || {
  echo 'refused: not a name of a unit' >&2
  exit 2
}
command -v journalctl >/dev/null || {
  echo 'there is no journalctl' >&2
  exit 3
}
state=$(systemctl show --property=ActiveState --value -- "$unit" 2>/dev/null)
load=$(systemctl show --property=LoadState --value -- "$unit" 2>/dev/null)
log=$(journalctl --no-pager --quiet --output=short-iso --lines="$lines" --unit="$unit" 2>/dev/null | cut -c 1-500 | cat -v)
if [[ -z $log && $load != loaded ]]; then
  printf 'there is no unit %s, and no line of it\n' "$unit" >&2
  exit 4
fi
systemctl --no-pager --lines=0 status -- "$unit" 2>/dev/null
printf '%s\n' "$log"
printf 'VIGIA_FIELD state=%s\n' "$state"
printf 'VIGIA_FIELD line_count=%d\n' "$(grep -c . <<<"$log")"
exit 0
