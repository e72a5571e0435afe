# Resumes print queues that CUPS stopped by itself. Exit codes: 0 all resumed, 1 one could not be, 4 CUPS does not answer, 5 none
# was stopped.
set -u
export LC_ALL=C
[ "$(lpstat -r 2>&1)" = 'scheduler is running' ] || {
  echo 'CUPS does not answer' >&2
  exit 4
}
# "printer NAME disabled since DAY -", and the reason in the next line.
stopped=$(lpstat -p 2>/dev/null | awk '
  /^printer [^ ]+ disabled since / { name = $2; next }
  name != "" { sub(/^[ \t]+/, ""); if ($0 != "Paused") print name; name = "" }')
resumed=''
failed=''
for name in $stopped; do
  case $name in
    -* | *[!A-Za-z0-9_.@-]*) continue ;;
  esac
  if [ "${VIGIA_DRY_RUN:-}" = 1 ]; then
    echo "would resume $name"
    resumed="$resumed $name"
  elif cupsenable "$name"; then
    resumed="$resumed $name"
  else
    failed="$failed $name"
  fi
done
echo "VIGIA_FIELD resumed=${resumed# }"
if [ -n "$failed" ]; then
  echo "could not be resumed:$failed" >&2
  exit 1
fi
if [ -z "$resumed" ]; then
  echo 'no queue was stopped by an error' >&2
  exit 5
fi
