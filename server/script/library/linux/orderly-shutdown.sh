# Shuts down when the power supply runs low. Exit codes: 0 it shuts down, 1 shutdown refused, 3 there is no shutdown, 4 no power
# supply answers, 5 it is not needed: there is power, or charge enough.
set -u
export LC_ALL=C
below=${VIGIA_PARAM_BELOW_PERCENT:?no charge given}
minutes=${VIGIA_PARAM_MINUTES:?no minutes given}
command -v shutdown >/dev/null || {
  echo 'there is no shutdown' >&2
  exit 3
}
charge=''
battery=''
if command -v upsc >/dev/null && ups=$(upsc -l 2>/dev/null | head -n 1) && [[ $ups =~ ^[A-Za-z0-9_.-]{1,64}$ ]]; then
  charge=$(upsc "$ups" battery.charge 2>/dev/null)
  [[ " $(upsc "$ups" ups.status 2>/dev/null) " == *' OB '* ]] && battery=yes
elif command -v apcaccess >/dev/null; then
  report=$(apcaccess status 2>/dev/null)
  charge=$(sed -n 's/^BCHARGE *: *\([0-9.]*\).*/\1/p' <<<"$report")
  grep -Eq '^STATUS *:.*ONBATT' <<<"$report" && battery=yes
fi
if [[ ! ${charge%%.*} =~ ^[0-9]{1,3}$ ]]; then
  echo 'no power supply answers' >&2
  exit 4
fi
printf 'VIGIA_FIELD charge_percent=%d\n' "${charge%%.*}"
printf 'VIGIA_FIELD on_battery=%s\n' "$([[ $battery == yes ]] && echo true || echo false)"
if [[ $battery != yes ]] || ((${charge%%.*} >= below)); then
  echo 'not needed: there is power, or charge enough' >&2
  exit 5
fi
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would shut down in %d min\n' "$minutes"
  exit 0
fi
shutdown -h "+$minutes" "The power fails and the battery has ${charge%%.*} % left: this computer stops in $minutes min." || exit 1
echo 'it shuts down'
