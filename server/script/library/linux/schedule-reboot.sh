# Schedules a restart. Exit codes: 0 scheduled, 1 shutdown refused, 2 a value is refused, 3 there is no shutdown, 6 one is
# scheduled already, or people are signed in where that was not wanted.
set -u
export LC_ALL=C
minutes=${VIGIA_PARAM_MINUTES:?no minutes given}
message=${VIGIA_PARAM_MESSAGE:-}
[[ $minutes =~ ^[1-9][0-9]{0,4}$ && ! $message =~ [[:cntrl:]] ]] || {
  echo 'refused: a value is not what it should be' >&2
  exit 2
}
command -v shutdown >/dev/null || {
  echo 'there is no shutdown' >&2
  exit 3
}
people=$(who 2>/dev/null | awk '{ print $1 }' | sort -u | tr '\n' ' ')
printf 'VIGIA_FIELD signed_in=%s\n' "${people% }"
if [[ ${VIGIA_PARAM_ONLY_UNUSED:-false} == true && -n $people ]]; then
  printf 'not scheduled: %sis signed in\n' "$people" >&2
  exit 6
fi
if [[ -e /run/systemd/shutdown/scheduled ]]; then
  echo 'not scheduled: a restart or stop is scheduled already; cancel it first' >&2
  exit 6
fi
at=$(date -d "+$minutes minutes" '+%F %H:%M %Z')
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would restart at %s\n' "$at"
  exit 0
fi
shutdown -r "+$minutes" "This computer restarts at $at. Save your work. $message" || exit 1
printf 'VIGIA_FIELD restarts_at=%s\n' "$at"
printf 'restarts at %s\n' "$at"
