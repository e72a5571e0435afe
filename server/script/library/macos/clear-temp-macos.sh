# Frees space on the system's volume. Exit codes: 0 something was freed, 5 there was nothing to free.
set -u
export LC_ALL=C
days=${VIGIA_PARAM_DAYS:?no days given}
removed=0

# clean FOLDER FIND-TESTS…: the folder is entered first and checked then, so that no link can lead elsewhere.
clean() {
  folder=$1
  shift
  [ -d "$folder" ] && [ ! -L "$folder" ] || return 0
  count=$(
    cd -P -- "$folder" 2>/dev/null || exit 0
    [ "$(pwd -P)" = "$folder" ] || exit 0
    if [ "${VIGIA_DRY_RUN:-}" = 1 ]; then
      find -x . -mindepth 1 "$@" -print
    else
      find -x . -mindepth 1 "$@" -print -delete
    fi 2>/dev/null | wc -l | tr -d ' '
  )
  [ "${count:-0}" -eq 0 ] || echo "$folder: $count"
  removed=$((removed + ${count:-0}))
}

clean /private/tmp -type f -mtime "+$days" -atime "+$days"
clean /private/var/tmp -type f -mtime "+$days" -atime "+$days"
clean /Library/Logs/DiagnosticReports -type f -mtime "+$days"
for home in /Users/*; do
  [ -L "$home" ] || clean "$home/.Trash" -type f -ctime "+$days"
done
echo "VIGIA_FIELD removed_count=$removed"
echo "VIGIA_FIELD free_bytes=$(df -Pk / | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')"
if [ "$removed" -eq 0 ]; then
  echo 'nothing is old enough' >&2
  exit 5
fi
