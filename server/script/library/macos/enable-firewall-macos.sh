# Switches the firewall on. Exit codes: 0 it is on, 1 it is not, 3 its command is missing, 5 it was on already.
set -u
export LC_ALL=C
PATH=$PATH:/usr/libexec/ApplicationFirewall
command -v socketfilterfw >/dev/null || {
  echo 'this needs socketfilterfw' >&2
  exit 3
}
enabled() { socketfilterfw --getglobalstate | grep -q 'is enabled'; }
if enabled; then
  echo 'it was on already' >&2
  exit 5
fi
if [ "${VIGIA_DRY_RUN:-}" = 1 ]; then
  echo 'would switch it on'
  exit 0
fi
socketfilterfw --setglobalstate on
if ! enabled; then
  echo 'it is still off: a profile may decide' >&2
  exit 1
fi
echo 'it is on'
