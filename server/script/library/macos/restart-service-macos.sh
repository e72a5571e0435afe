# Restarts the daemon VIGIA_PARAM_SERVICE of launchd. Exit codes: 0 it runs, 1 it does not, 2 the name is refused, 3 launchd does
# not know it.
set -u
export LC_ALL=C
service=${VIGIA_PARAM_SERVICE:?no service given}
case $service in
  *[!A-Za-z0-9._-]* | -* | .*)
    echo 'refused: not a name of a service' >&2
    exit 2
    ;;
  com.apple.xpc.* | com.apple.launchd* | com.apple.securityd | com.apple.opendirectoryd | com.apple.WindowServer)
    echo 'refused: this service holds the machine together' >&2
    exit 2
    ;;
esac
launchctl print "system/$service" >/dev/null 2>&1 || {
  echo "launchd does not know $service" >&2
  exit 3
}
pid_of() { launchctl print "system/$service" 2>/dev/null | awk '$1 == "pid" && $2 == "=" { print $3; exit }'; }
before=$(pid_of)
if [ "${VIGIA_DRY_RUN:-}" = 1 ]; then
  echo "would restart $service (process ${before:-none})"
  exit 0
fi
launchctl kickstart -k "system/$service" || exit 1
tries=0
after=''
while [ "$tries" -lt 15 ]; do
  sleep 1
  after=$(pid_of)
  [ -z "$after" ] || [ "$after" = "$before" ] || break
  tries=$((tries + 1))
done
echo "VIGIA_FIELD pid=$after"
if [ -z "$after" ] || [ "$after" = "$before" ]; then
  echo "$service does not run anew" >&2
  exit 1
fi
echo "$service runs as process $after"
