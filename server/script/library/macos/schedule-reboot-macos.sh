# Schedules a restart. Exit codes: 0 scheduled, 1 shutdown refused, 2 a value is refused, 6 people are signed in where that was not
# wanted, or one is scheduled already.
set -u
export LC_ALL=C
minutes=${VIGIA_PARAM_MINUTES:?no minutes given}
case $minutes in
  '' | *[!0-9]* | 0*)
    echo 'refused: not minutes' >&2
    exit 2
    ;;
esac
people=$(who | awk '{ print $1 }' | sort -u | tr '\n' ' ')
echo "VIGIA_FIELD signed_in=${people% }"
if [ "${VIGIA_PARAM_ONLY_UNUSED:-false}" = true ] && [ -n "$people" ]; then
  echo "not scheduled: ${people}signed in" >&2
  exit 6
fi
if pgrep -x shutdown >/dev/null; then
  echo 'one is scheduled already; cancel it first' >&2
  exit 6
fi
if [ "${VIGIA_DRY_RUN:-}" = 1 ]; then
  echo "would restart in $minutes min"
  exit 0
fi
shutdown -r "+$minutes" "This computer restarts in $minutes min. Save your work." || exit 1
echo "restarts in $minutes min"
