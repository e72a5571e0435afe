# Lists zombies by their parent. Exit codes: 0 listed, 5 there is none.
set -u
export LC_ALL=C
declare -A of=()
total=0
for status in /proc/[0-9]*/status; do
  parent=$(awk '$1 == "State:" && $2 == "Z" { zombie = 1 } $1 == "PPid:" && zombie { print $2; exit }' "$status" 2>/dev/null)
  [[ $parent =~ ^[0-9]+$ ]] || continue
  of[$parent]=$((${of[$parent]:-0} + 1))
  total=$((total + 1))
done
worst=''
most=0
for parent in "${!of[@]}"; do
  name=$(cat "/proc/$parent/comm" 2>/dev/null | cat -v)
  printf '%6d left by process %s (%s)\n' "${of[$parent]}" "$parent" "$name"
  if ((of[$parent] > most)); then
    most=${of[$parent]}
    worst="$name ($parent)"
  fi
done
printf 'VIGIA_FIELD zombie_count=%d\n' "$total"
printf 'VIGIA_FIELD worst=%s\n' "$worst"
if ((total == 0)); then
  echo 'there is none' >&2
  exit 5
fi
