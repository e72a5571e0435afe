# Cancels a scheduled restart or stop. Exit codes: 0 cancelled, 1 shutdown refused, 3 there is no shutdown, 5 none was scheduled.
set -u
export LC_ALL=C
command -v shutdown >/dev/null || {
  echo 'there is no shutdown' >&2
  exit 3
}
if [[ -d /run/systemd/system && ! -e /run/systemd/shutdown/scheduled ]]; then
  echo 'none was scheduled' >&2
  exit 5
fi
shutdown -c 'The restart was cancelled.' || exit 1
echo 'cancelled'
