# Shows FileVault. Exit codes: 0 shown, 3 fdesetup is missing.
set -u
export LC_ALL=C
command -v fdesetup >/dev/null || {
  echo 'this needs fdesetup' >&2
  exit 3
}
state=$(fdesetup status 2>&1)
echo "$state"
case $state in
  *'FileVault is On'*) echo 'VIGIA_FIELD enabled=true' ;;
  *) echo 'VIGIA_FIELD enabled=false' ;;
esac
progress=$(echo "$state" | sed -n 's/.*Percent completed = \([0-9.]*\).*/\1/p')
[ -z "$progress" ] || echo "VIGIA_FIELD progress_percent=$progress"
key=$(fdesetup haspersonalrecoverykey 2>/dev/null)
[ -z "$key" ] || echo "VIGIA_FIELD has_recovery_key=$key"
