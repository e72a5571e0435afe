# Shows the arrays of /proc/mdstat. Exit codes: 0 all whole, 1 one is degraded or has a failed member, 4 there is none.
set -u
export LC_ALL=C
[[ -r /proc/mdstat ]] || {
  echo 'this kernel has no arrays' >&2
  exit 4
}
cat /proc/mdstat
arrays=0
degraded=0
failed=0
while IFS= read -r line; do
  if [[ $line =~ ^md[^\ ]*\ : ]]; then
    arrays=$((arrays + 1))
    # "sdb1[1](F)": a failed member.
    rest=$line
    while [[ $rest == *'(F)'* ]]; do
      failed=$((failed + 1))
      rest=${rest#*'(F)'}
    done
  elif [[ $line =~ \[[U_]*_[U_]*\] ]]; then
    degraded=$((degraded + 1))
  fi
done </proc/mdstat
if ((arrays == 0)); then
  echo 'there is no array' >&2
  exit 4
fi
if command -v mdadm >/dev/null; then
  for array in /dev/md[0-9]*; do [[ -b $array ]] && mdadm --detail "$array" 2>&1; done
fi
printf 'VIGIA_FIELD array_count=%d\n' "$arrays"
printf 'VIGIA_FIELD degraded_count=%d\n' "$degraded"
printf 'VIGIA_FIELD failed_member_count=%d\n' "$failed"
printf 'VIGIA_FIELD rebuild=%s\n' "$(grep -Eo '(recovery|resync|reshape|check) *= *[0-9.]+%' /proc/mdstat | tr -s ' ' | tr '\n' ' ')"
((degraded == 0 && failed == 0))
