# Cancels a scheduled restart: shutdown waits as a process of that name. Exit codes: 0 cancelled, 1 it could not be, 5 none was
# scheduled.
set -u
export LC_ALL=C
if ! pgrep -x shutdown >/dev/null; then
  echo 'none was scheduled' >&2
  exit 5
fi
pkill -x shutdown || exit 1
echo 'cancelled'
