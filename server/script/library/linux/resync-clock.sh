# Synchronises the clock through the time service that runs. Exit codes: 0 synchronised, 1 not within half a minute, 4 no time
# service runs here. The clock is set by a jump only with VIGIA_PARAM_STEP=true; a database may not like one. With
# VIGIA_DRY_RUN=1 it only tells how the clock is.
set -u
export LC_ALL=C
step=${VIGIA_PARAM_STEP:-false}

if command -v chronyc >/dev/null && chronyc -n tracking >/dev/null 2>&1; then
  by=chrony
  ask() {
    chronyc online >/dev/null
    chronyc burst 4/4 >/dev/null
    sleep 5
    if [[ $step == true ]]; then chronyc makestep >/dev/null; fi
    return 0
  }
  synchronised() { chronyc waitsync 1 0 0 1 >/dev/null 2>&1; }
  offset() { chronyc -c tracking 2>/dev/null | cut -d , -f 5; }
elif systemctl is-enabled --quiet systemd-timesyncd.service 2>/dev/null; then
  by=systemd-timesyncd
  ask() { systemctl restart systemd-timesyncd.service; }
  synchronised() { [[ $(timedatectl show --property=NTPSynchronized --value 2>/dev/null) == yes ]]; }
  offset() { timedatectl timesync-status 2>/dev/null | sed -n 's/^ *Offset: //p'; }
elif command -v ntpq >/dev/null && ntpq -c rv >/dev/null 2>&1; then
  by=ntpd
  unit=ntpsec.service
  systemctl cat "$unit" >/dev/null 2>&1 || unit=ntp.service
  ask() { systemctl restart "$unit"; }
  synchronised() { ntpq -c rv 2>/dev/null | grep -q 'sync_ntp'; }
  offset() { ntpq -c 'rv 0 offset' 2>/dev/null | sed -n 's/^offset=//p'; }
else
  echo 'no time service runs here' >&2
  exit 4
fi

tell() {
  printf 'VIGIA_FIELD service=%s\n' "$by"
  printf 'VIGIA_FIELD synchronised=%s\n' "$1"
  printf 'VIGIA_FIELD offset=%s\n' "$(offset)"
}

if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  tell "$(synchronised && echo true || echo false)"
  printf 'would have %s ask its servers at once\n' "$by"
  exit 0
fi
ask || exit 1
state=false
for ((tries = 0; tries < 12; tries++)); do
  if synchronised; then
    state=true
    break
  fi
  sleep 2
done
tell "$state"
if [[ $state == false ]]; then
  printf '%s has not synchronised: see whether it reaches its servers (UDP 123)\n' "$by" >&2
  exit 1
fi
printf '%s is synchronised\n' "$by"
