# Lists declared backups. Exit codes: 0 all are young enough, 1 one is too old or missing, 3 nothing can read the declarations,
# 4 none is declared.
set -u
export LC_ALL=C
folder=${VIGIA_AGENT_DATA:-/nonexistent}/backups.d
shopt -s nullglob
files=("$folder"/*.json)
if ((${#files[@]} == 0)); then
  echo 'no backup is declared here' >&2
  exit 4
fi
# Prints name, place and hours, each ended by NUL; a declaration is data and is never evaluated.
read_declaration() {
  if [[ -n ${VIGIA_NODE:-} ]]; then
    "$VIGIA_NODE" -e '
      const d = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
      const words = [d.name, d.markerFile ?? d.path, String(d.maxAgeHours ?? 48)];
      if (words.some((w) => typeof w !== "string" || w === "" || w.includes("\0"))) throw new Error("not a declaration");
      process.stdout.write(words.map((w) => w + "\0").join(""))' "$1"
  else
    python3 -I -c '
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
words = [d.get("name"), d.get("markerFile") or d.get("path"), str(d.get("maxAgeHours", 48))]
if any(not isinstance(w, str) or w == "" or "\0" in w for w in words):
    sys.exit("not a declaration")
sys.stdout.buffer.write(b"".join(w.encode() + b"\0" for w in words))' "$1"
  fi
}
[[ -n ${VIGIA_NODE:-} ]] || command -v python3 >/dev/null || {
  echo 'neither the Node of the agent nor python3 is here' >&2
  exit 3
}
late=0
for file in "${files[@]}"; do
  mapfile -d '' -t words < <(read_declaration "$file" 2>/dev/null)
  if ((${#words[@]} != 3)); then
    printf 'cannot be read: %q\n' "$file"
    late=$((late + 1))
    continue
  fi
  newest=$(find -H "${words[1]}" -maxdepth 1 -type f -printf '%T@ %f\0' 2>/dev/null | sort -zrn | head -z -n 1 | tr -d '\0')
  if [[ -z $newest ]]; then
    printf '%q: nothing at %q\n' "${words[0]}" "${words[1]}"
    late=$((late + 1))
    continue
  fi
  hours=$((($(date +%s) - ${newest%%.*}) / 3600))
  printf '%q: %d h old (may be %s h): %q\n' "${words[0]}" "$hours" "${words[2]}" "${newest#* }"
  ((hours <= ${words[2]%%.*})) || late=$((late + 1))
done
printf 'VIGIA_FIELD declared_count=%d\n' "${#files[@]}"
printf 'VIGIA_FIELD late_count=%d\n' "$late"
((late == 0))
