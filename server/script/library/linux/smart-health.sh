# Shows what the drives say of themselves. Exit codes: 0 all say that they are well, 1 one says that it fails, 3 smartctl is
# missing, 4 no drive answers.
set -u
export LC_ALL=C
command -v smartctl >/dev/null || {
  echo 'this needs smartctl (smartmontools)' >&2
  exit 3
}
drives=0
failing=''
hottest=0
reallocated=0
worn=0
while read -r device _ type _; do
  [[ $device =~ ^/dev/[A-Za-z0-9/]{1,40}$ ]] || continue
  report=$(timeout 30 smartctl -H -A -i -d "$type" "$device" 2>&1)
  grep -Eq '^(SMART overall-health|SMART Health Status)' <<<"$report" || {
    printf -- '--- %s does not answer\n' "$device"
    continue
  }
  drives=$((drives + 1))
  printf -- '--- %s\n%s\n' "$device" "$(grep -E '^(Device Model|Model Number|Product|Serial|SMART overall|SMART Health|Temperature|Percentage Used|Media and Data|Available Spare|Critical Warning|Power On Hours|Power_On| *(5|9|187|188|190|194|197|198|231|233) )' <<<"$report" | cat -v)"
  grep -Eq '^SMART (overall-health.*: (PASSED|OK)|Health Status: OK)' <<<"$report" || failing="$failing $device"
  heat=$(awk '/^ *194 / { print $10; exit } /^Temperature:/ { print $2; exit }' <<<"$report")
  [[ $heat =~ ^[0-9]+$ ]] && ((heat > hottest)) && hottest=$heat
  sectors=$(awk '/^ *5 / { print $10; exit }' <<<"$report")
  [[ $sectors =~ ^[0-9]+$ ]] && reallocated=$((reallocated + sectors))
  wear=$(sed -n 's/^Percentage Used: *\([0-9]*\)%/\1/p' <<<"$report")
  [[ $wear =~ ^[0-9]+$ ]] && ((wear > worn)) && worn=$wear
done < <(smartctl --scan 2>/dev/null)
if ((drives == 0)); then
  echo 'no drive answers; in a virtual machine that is as it should be' >&2
  exit 4
fi
printf 'VIGIA_FIELD drive_count=%d\n' "$drives"
printf 'VIGIA_FIELD failing=%s\n' "${failing# }"
printf 'VIGIA_FIELD hottest_celsius=%d\n' "$hottest"
printf 'VIGIA_FIELD reallocated_count=%d\n' "$reallocated"
printf 'VIGIA_FIELD most_worn_percent=%d\n' "$worn"
[[ -z $failing ]]
