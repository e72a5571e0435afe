# Shows the battery. Exit codes: 0 shown, 4 there is none.
set -u
export LC_ALL=C
report=$(system_profiler SPPowerDataType 2>/dev/null)
health=$(echo "$report" | sed -n 's/^ *Maximum Capacity: \([0-9]*\)%$/\1/p')
cycles=$(echo "$report" | sed -n 's/^ *Cycle Count: \([0-9]*\)$/\1/p')
if [ -z "$cycles" ]; then
  echo 'there is no battery' >&2
  exit 4
fi
echo "$report" | grep -E '(State of Charge|Fully Charged|Charging|Cycle Count|Condition|Maximum Capacity)'
echo "VIGIA_FIELD cycle_count=$cycles"
[ -z "$health" ] || echo "VIGIA_FIELD health_percent=$health"
echo "VIGIA_FIELD condition=$(echo "$report" | sed -n 's/^ *Condition: //p')"
