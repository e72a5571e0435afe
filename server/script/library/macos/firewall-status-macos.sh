# Shows the firewall. Exit codes: 0 shown, 3 its command is missing.
set -u
export LC_ALL=C
PATH=$PATH:/usr/libexec/ApplicationFirewall
command -v socketfilterfw >/dev/null || {
  echo 'this needs socketfilterfw' >&2
  exit 3
}
state=$(socketfilterfw --getglobalstate)
echo "$state"
socketfilterfw --getstealthmode
socketfilterfw --getblockall
socketfilterfw --listapps 2>/dev/null | head -n 200
case $state in
  *'is enabled'*) echo 'VIGIA_FIELD enabled=true' ;;
  *) echo 'VIGIA_FIELD enabled=false' ;;
esac
