# Runs the backup VIGIA_PARAM_BACKUP. Exit codes: 0 it ended well, 1 it failed, 2 its declaration is refused, 3 nothing can read
# it, 4 there is none of that name, or it says no command.
set -u
export LC_ALL=C
backup=${VIGIA_PARAM_BACKUP:?no backup given}
folder=${VIGIA_AGENT_DATA:-/nonexistent}/backups.d
# Prints the words of `run`, each ended by NUL, when the declaration has the name; data, never evaluated.
read_command() {
  if [[ -n ${VIGIA_NODE:-} ]]; then
    "$VIGIA_NODE" -e '
      const d = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
      if (d.name !== process.argv[2] || !Array.isArray(d.run) || d.run.length === 0) process.exit(0);
      if (d.run.some((w) => typeof w !== "string" || w.includes("\0")) || !d.run[0].startsWith("/")) process.exit(1);
      process.stdout.write(d.run.map((w) => w + "\0").join(""))' "$1" "$backup"
  else
    python3 -I -c '
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
run = d.get("run")
if d.get("name") != sys.argv[2] or not isinstance(run, list) or not run:
    sys.exit(0)
if any(not isinstance(w, str) or "\0" in w for w in run) or not run[0].startswith("/"):
    sys.exit(1)
sys.stdout.buffer.write(b"".join(w.encode() + b"\0" for w in run))' "$1" "$backup"
  fi
}
[[ -n ${VIGIA_NODE:-} ]] || command -v python3 >/dev/null || {
  echo 'neither the Node of the agent nor python3 is here' >&2
  exit 3
}
shopt -s nullglob
for file in "$folder"/*.json; do
  mapfile -d '' -t words < <(read_command "$file" 2>/dev/null)
  ((${#words[@]} > 0)) || continue
  for guarded in "$file" "${words[0]}"; do
    owner_mode=$(stat -c '%u %a' -- "$guarded" 2>/dev/null)
    if [[ -z $owner_mode || -L $guarded || ! -f $guarded ]]; then
      printf 'refused: %q is not a plain file\n' "$guarded" >&2
      exit 2
    fi
    if [[ ${owner_mode% *} != "$(id -u)" && ${owner_mode% *} != 0 ]] || ((8#${owner_mode#* } & 8#022)); then
      printf 'refused: others could have written %q (owner or mode)\n' "$guarded" >&2
      exit 2
    fi
  done
  if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
    printf 'would run:'
    printf ' %q' "${words[@]}"
    printf '\n'
    exit 0
  fi
  began=$SECONDS
  (
    unset -v "${!VIGIA_@}"
    cd / && exec "${words[@]}"
  ) </dev/null
  code=$?
  printf 'VIGIA_FIELD backup_exit_code=%d\n' "$code"
  printf 'VIGIA_FIELD took_seconds=%d\n' "$((SECONDS - began))"
  if ((code != 0)); then
    printf 'the backup failed with %d\n' "$code" >&2
    exit 1
  fi
  echo 'the backup ended well'
  exit 0
done
printf 'no declaration in %s says how %q is run\n' "$folder" "$backup" >&2
exit 4
