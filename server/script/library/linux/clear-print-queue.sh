# Cancels waiting jobs of the queue VIGIA_PARAM_QUEUE. Exit codes: 0 cancelled, 1 one could not be, 2 the queue is refused,
# 3 CUPS's commands are missing, 4 CUPS does not answer, 5 none was old enough.
set -u
export LC_ALL=C
queue=${VIGIA_PARAM_QUEUE:?no queue given}
hours=${VIGIA_PARAM_OLDER_HOURS:?no age given}
[[ $queue =~ ^[A-Za-z0-9_.@][A-Za-z0-9_.@-]{0,126}$ ]] || {
  echo 'refused: not a name of a queue' >&2
  exit 2
}
command -v lpstat >/dev/null && command -v cancel >/dev/null || {
  echo 'this needs lpstat and cancel' >&2
  exit 3
}
[[ $(lpstat -r 2>&1) == 'scheduler is running' ]] || {
  echo 'CUPS does not answer' >&2
  exit 4
}
lpstat -p "$queue" >/dev/null 2>&1 || {
  printf 'refused: CUPS has no queue %s\n' "$queue" >&2
  exit 2
}
limit=$(($(date +%s) - hours * 3600))
cancelled=0
waiting=0
failed=0
# "QUEUE-ID OWNER BYTES DAY", the day as `date -d` reads it.
while read -r job owner bytes day; do
  [[ $job =~ ^${queue//./\\.}-[0-9]{1,10}$ ]] || continue
  since=$(date -d "$day" +%s 2>/dev/null) || since=''
  if [[ -z $since ]] || ((since > limit)); then
    waiting=$((waiting + 1))
    continue
  fi
  printf '%s of %q, %s bytes, since %s\n' "$job" "$owner" "$bytes" "$day"
  if [[ ${VIGIA_DRY_RUN:-} == 1 ]] || cancel "$job"; then
    cancelled=$((cancelled + 1))
  else
    failed=$((failed + 1))
  fi
done < <(lpstat -W not-completed -o "$queue" 2>/dev/null)
printf 'VIGIA_FIELD cancelled_count=%d\n' "$cancelled"
printf 'VIGIA_FIELD waiting_count=%d\n' "$waiting"
((failed == 0)) || exit 1
if ((cancelled == 0)); then
  echo 'no job is old enough' >&2
  exit 5
fi
