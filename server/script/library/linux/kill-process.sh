# Ends the process VIGIA_PARAM_PID. Exit codes: 0 it is gone, 1 it lives on, 2 it is not the process that was meant, or one that
# must not be ended, 5 there is none of that number.
set -u
export LC_ALL=C
pid=${VIGIA_PARAM_PID:?no process given}
name=${VIGIA_PARAM_NAME:?no name given}
most=${VIGIA_PARAM_STARTED_WITHIN_S:-0}
refuse() {
  printf 'refused: %s\n' "$1" >&2
  exit 2
}
[[ $pid =~ ^[1-9][0-9]{0,9}$ ]] || refuse 'not a number of a process'
[[ -d /proc/$pid ]] || {
  printf 'there is no process %s\n' "$pid" >&2
  exit 5
}
# Name and start in clock ticks since the machine started: field 2, which may hold anything, and field 22 (proc(5)).
identity() {
  local stat
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086 # its words are numbers and one letter
  set -- $stat
  printf '%s' "${20}"
}
alive() {
  local state
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
  [[ -n $state && $state != Z && $state != X ]]
}
comm=$(cat "/proc/$pid/comm" 2>/dev/null)
started=$(identity) || exit 5
[[ $comm == "$name" ]] || refuse "process $pid is called \"$comm\""
((pid > 1 && pid != $$ && pid != PPID)) || refuse 'this process must not be ended'
[[ -n $(tr -d '\0' <"/proc/$pid/cmdline" 2>/dev/null) ]] || refuse 'a thread of the kernel cannot be ended'
case $comm in
  systemd | init | systemd-* | dbus-daemon | dbus-broker | sshd) refuse "\"$comm\" holds the machine together" ;;
esac
ancestor=$$
while ((ancestor > 1)); do
  ancestor=$(awk '$1 == "PPid:" { print $2 }' "/proc/$ancestor/status" 2>/dev/null)
  [[ ${ancestor:-0} != "$pid" ]] || refuse 'the agent runs in this process'
  ancestor=${ancestor:-0}
done
hertz=$(getconf CLK_TCK)
read -r up _ </proc/uptime
age=$((${up%.*} - started / hertz))
if ((most > 0 && age > most)); then refuse "it has run for $age s, longer than the one that was meant"; fi
printf '%s (%s), %d s old: %s\n' "$pid" "$comm" "$age" "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c 1-300 | cat -v)"
printf 'VIGIA_FIELD age_seconds=%d\n' "$age"
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  echo 'would end it'
  exit 0
fi
ended_by=TERM
kill -TERM "$pid" || exit 1
for ((tries = 0; tries < 100; tries++)); do
  alive && [[ $(identity) == "$started" ]] || break
  sleep 0.1
done
if alive && [[ $(identity) == "$started" ]]; then
  if [[ ${VIGIA_PARAM_FORCE:-false} != true ]]; then
    echo 'it did not end when it was asked to' >&2
    exit 1
  fi
  ended_by=KILL
  kill -KILL "$pid" || exit 1
  sleep 0.5
  if alive && [[ $(identity) == "$started" ]]; then exit 1; fi
fi
printf 'VIGIA_FIELD ended_by=%s\n' "$ended_by"
echo 'it is gone'
