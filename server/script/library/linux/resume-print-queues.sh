# Resumes print queues that CUPS stopped by itself. Exit codes: 0 all resumed, 1 one could not be, 3 CUPS's commands are
# missing, 4 CUPS does not answer, 5 none was stopped.
set -u
export LC_ALL=C
command -v lpstat >/dev/null && command -v cupsenable >/dev/null || {
  echo 'this needs lpstat and cupsenable' >&2
  exit 3
}
[[ $(lpstat -r 2>&1) == 'scheduler is running' ]] || {
  echo 'CUPS does not answer' >&2
  exit 4
}
resumed=()
paused=()
failed=()
name=''
# "printer NAME disabled since DAY -", and the reason in the next line.
while IFS= read -r line; do
  if [[ $line =~ ^printer\ ([^[:space:]]+)\ disabled\ since\  ]]; then
    name=${BASH_REMATCH[1]}
    continue
  fi
  [[ -n $name ]] || continue
  reason=${line#"${line%%[![:space:]]*}"}
  if [[ $reason == Paused || ! $name =~ ^[A-Za-z0-9_.@][A-Za-z0-9_.@-]{0,126}$ ]]; then
    paused+=("$name")
  elif [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
    printf 'would resume %s (%s)\n' "$name" "$reason"
    resumed+=("$name")
  elif cupsenable "$name"; then
    printf 'resumed %s (it said: %s)\n' "$name" "$reason"
    resumed+=("$name")
  else
    failed+=("$name")
  fi
  name=''
done < <(lpstat -p 2>/dev/null)
((${#paused[@]} == 0)) || printf 'left alone, a person paused them: %s\n' "${paused[*]}"
printf 'VIGIA_FIELD resumed=%s\n' "${resumed[*]:-}"
printf 'VIGIA_FIELD paused=%s\n' "${paused[*]:-}"
if ((${#failed[@]} > 0)); then
  printf 'could not be resumed: %s\n' "${failed[*]}" >&2
  exit 1
fi
if ((${#resumed[@]} == 0)); then
  echo 'no queue was stopped by an error' >&2
  exit 5
fi
