# Starts the short self-test of VIGIA_PARAM_DEVICE. Exit codes: 0 started, 1 the drive refused, 2 the device is refused, 3
# smartctl is missing.
set -u
export LC_ALL=C
device=${VIGIA_PARAM_DEVICE:?no device given}
[[ $device =~ ^/dev/(sd[a-z]{1,2}|hd[a-z]|vd[a-z]|nvme[0-9]{1,2}(n[0-9]{1,2})?)$ && -e $device ]] || {
  echo 'refused: not a drive of this machine' >&2
  exit 2
}
command -v smartctl >/dev/null || {
  echo 'this needs smartctl (smartmontools)' >&2
  exit 3
}
report=$(smartctl -t short "$device" 2>&1)
code=$?
printf '%s\n' "$report"
# The three lowest bits of smartctl's exit code say that the command itself failed (smartctl(8)).
(((code & 7) == 0)) || exit 1
printf 'VIGIA_FIELD started=true\n'
