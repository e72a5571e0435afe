# Updates the definitions of the antivirus. Exit codes: 0 updated or current, 1 the updater failed, 4 none is here.
set -u
export LC_ALL=C
if command -v mdatp >/dev/null; then
  mdatp definitions update </dev/null || exit 1
  printf 'VIGIA_FIELD product=Microsoft Defender\n'
  exit 0
fi
command -v freshclam >/dev/null || {
  echo 'neither ClamAV nor Microsoft Defender is here' >&2
  exit 4
}
# Where the updater runs as a service it holds the log and the lock; it is told to look at once (SIGUSR1).
told=no
for comm in /proc/[0-9]*/comm; do
  if [[ $(cat "$comm" 2>/dev/null) == freshclam ]]; then
    pid=${comm#/proc/}
    kill -USR1 "${pid%/comm}" 2>/dev/null && told=yes
  fi
done
if [[ $told == yes ]]; then
  echo 'the updater that runs was told to look now'
  sleep 30
else
  freshclam --stdout </dev/null || exit 1
fi
version=$(clamscan --version 2>/dev/null)
printf '%s\n' "$version"
IFS=/ read -r engine definitions day <<<"$version"
printf 'VIGIA_FIELD product=%s\n' "$engine"
printf 'VIGIA_FIELD definitions=%s\n' "${definitions:-none}"
if [[ -n ${day:-} ]] && made=$(date -d "$day" +%s 2>/dev/null); then
  printf 'VIGIA_FIELD definitions_age_days=%d\n' "$((($(date +%s) - made) / 86400))"
fi
