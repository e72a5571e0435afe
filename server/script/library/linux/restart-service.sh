# Restarts the service VIGIA_PARAM_SERVICE. Exit codes: 0 it runs, 1 it does not, 2 the name or its definition is
# refused, 3 nothing here knows a service of this name, or a tool is missing. With VIGIA_DRY_RUN=1 it says how it would.
set -u
export LC_ALL=C

service=${VIGIA_PARAM_SERVICE:?no service given}
[[ $service =~ ^[A-Za-z0-9][A-Za-z0-9@._-]{0,99}$ ]] || {
  echo 'refused: not a name of a service' >&2
  exit 2
}

# would WORDS…: in a dry run says what would be done, and ends.
would() {
  [[ ${VIGIA_DRY_RUN:-} == 1 ]] || return 0
  printf 'would %s\n' "$*"
  exit 0
}

done_by() {
  printf 'VIGIA_FIELD restarted_by=%s\n' "$1"
  printf 'VIGIA_FIELD pid=%s\n' "${2:-}"
  exit 0
}

# Prints pidFile and the words of start, each ended by NUL; the definition is data and is never evaluated.
read_definition() {
  if [[ -n ${VIGIA_NODE:-} ]]; then
    "$VIGIA_NODE" -e '
      const d = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
      const words = [d.pidFile, ...(Array.isArray(d.start) ? d.start : [])];
      if (d.name !== process.argv[2]) throw new Error("it defines another service");
      if (words.length < 2 || words.some((w) => typeof w !== "string" || w === "" || w.includes("\0")))
        throw new Error("pidFile must be a text and start a list of texts");
      process.stdout.write(words.map((w) => w + "\0").join(""))' "$1" "$service"
  elif command -v python3 >/dev/null; then
    python3 -I -c '
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
if d.get("name") != sys.argv[2]:
    sys.exit("it defines another service")
start = d.get("start")
words = [d.get("pidFile")] + (start if isinstance(start, list) else [])
if len(words) < 2 or any(not isinstance(w, str) or w == "" or "\0" in w for w in words):
    sys.exit("pidFile must be a text and start a list of texts")
sys.stdout.buffer.write(b"".join(w.encode() + b"\0" for w in words))' "$1" "$service"
  else
    echo 'neither the Node of the agent nor python3 is here to read the definition' >&2
    return 3
  fi
}

# is_ours PID: does this process run what the definition starts? A number in a pid file may be another's by now.
is_ours() {
  local -a words=()
  [[ -r /proc/$1/cmdline ]] || return 1
  mapfile -d '' -t words <"/proc/$1/cmdline" 2>/dev/null
  local extra=$((${#words[@]} - ${#start[@]})) i
  ((extra >= 0)) || return 1
  for i in "${!start[@]}"; do
    [[ ${words[$((i + extra))]} == "${start[$i]}" ]] || return 1
  done
}

alive() {
  local state
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
  [[ -n $state && $state != Z && $state != X ]]
}

# Prints the process that runs what the definition starts; nothing where none does.
old_process() {
  local pid
  [[ -f $pid_file && ! -L $pid_file ]] || return 0
  read -r pid <"$pid_file" || true
  [[ ${pid:-} =~ ^[1-9][0-9]{0,9}$ ]] && alive "$pid" && is_ours "$pid" && printf '%s' "$pid"
}

stop_old() {
  local pid tries
  pid=$(old_process)
  [[ -n $pid ]] || return 0
  if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
    printf 'would end process %s\n' "$pid"
    return 0
  fi
  kill -TERM "$pid" 2>/dev/null
  for ((tries = 0; tries < 100; tries++)); do
    alive "$pid" || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
  sleep 0.2
}

restart_own() {
  local definition=$1 owner_mode pid fresh
  if [[ -L $definition || ! -f $definition ]]; then
    echo 'refused: the definition is not a plain file' >&2
    exit 2
  fi
  owner_mode=$(stat -c '%u %a' -- "$definition")
  if [[ ${owner_mode% *} != "$(id -u)" && ${owner_mode% *} != 0 ]] || ((8#${owner_mode#* } & 8#022)); then
    echo 'refused: others could have written the definition (owner or mode)' >&2
    exit 2
  fi
  local -a words=()
  mapfile -d '' -t words < <(read_definition "$definition" || printf 'failed')
  if [[ ${#words[@]} -lt 2 || ${words[-1]} == failed && ${#words[@]} -lt 3 ]]; then
    echo 'refused: the definition cannot be read' >&2
    exit 2
  fi
  pid_file=${words[0]}
  start=("${words[@]:1}")
  if [[ $pid_file != /* ]]; then
    echo 'refused: pidFile must be an absolute path' >&2
    exit 2
  fi
  stop_old
  would start: "${start[@]}"
  (
    unset -v "${!VIGIA_@}"
    cd / && exec setsid -- "${start[@]}"
  ) </dev/null >/dev/null 2>&1 &
  pid=$!
  # Made where nobody else can put another in its place: the folder of the pid file may belong to the service's user,
  # and what is written through a link there is written as root. mv replaces a link and never follows it.
  fresh=$(mktemp) || exit 1
  printf '%s\n' "$pid" >"$fresh"
  chmod 644 "$fresh"
  mv -fT -- "$fresh" "$pid_file" || exit 1
  sleep 1
  if ! alive "$pid"; then
    echo "it was started and ended at once: ${start[*]}" >&2
    exit 1
  fi
  printf '%s runs as process %s\n' "$service" "$pid"
  done_by definition "$pid"
}

# A unit may be restarted that is meant to run here: enabled, or it ran since the machine started. So an order cannot
# start what nobody wanted running (debug-shell, systemd-reboot and the like).
meant_to_run() {
  local file_state since
  file_state=$(systemctl show --property=UnitFileState --value -- "$service.service")
  since=$(systemctl show --property=ActiveEnterTimestampMonotonic --value -- "$service.service")
  [[ $file_state == enabled || $file_state == enabled-runtime || ${since:-0} =~ ^[1-9] ]]
}

restart_systemd() {
  local tries
  meant_to_run || {
    echo 'refused: the unit is neither enabled nor has it run since the machine started' >&2
    exit 2
  }
  would run: systemctl restart "$service.service", which is "$(systemctl is-active -- "$service.service")"
  systemctl restart -- "$service.service" || {
    systemctl --no-pager --lines=20 status -- "$service.service" >&2
    exit 1
  }
  for ((tries = 0; tries < 30; tries++)); do
    if systemctl is-active --quiet -- "$service.service"; then
      done_by systemd "$(systemctl show --property=MainPID --value -- "$service.service")"
    fi
    sleep 1
  done
  systemctl --no-pager --lines=20 status -- "$service.service" >&2
  exit 1
}

restart_init() {
  would run: "/etc/init.d/$service" restart
  "/etc/init.d/$service" restart </dev/null || exit 1
  sleep 1
  # Many init scripts have no honest status; the rule verifies. Where they have one, it counts.
  "/etc/init.d/$service" status </dev/null
  [[ $? -eq 3 || $? -eq 1 ]] && exit 1
  done_by init
}

definition="${VIGIA_AGENT_DATA:-/nonexistent}/services.d/$service.json"
if [[ -e $definition || -L $definition ]]; then
  restart_own "$definition"
elif [[ -d /run/systemd/system ]] && systemctl cat -- "$service.service" >/dev/null 2>&1; then
  restart_systemd
elif [[ -x /etc/init.d/$service ]]; then
  restart_init
fi
printf 'nothing here knows a service "%s"\n' "$service" >&2
exit 3
