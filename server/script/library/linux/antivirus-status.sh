# Shows the antivirus. Exit codes: 0 shown, 4 none that this script knows is here.
set -u
export LC_ALL=C
runs() {
  local comm
  for comm in /proc/[0-9]*/comm; do [[ $(cat "$comm" 2>/dev/null) == "$1" ]] && return 0; done
  return 1
}
if command -v mdatp >/dev/null; then
  healthy=$(mdatp health --field healthy 2>/dev/null)
  updated=$(mdatp health --field definitions_updated_minutes_ago 2>/dev/null)
  mdatp health 2>&1
  printf 'VIGIA_FIELD product=Microsoft Defender\n'
  printf 'VIGIA_FIELD running=%s\n' "$([[ $healthy == true ]] && echo true || echo false)"
  [[ $updated =~ ^[0-9]+$ ]] && printf 'VIGIA_FIELD definitions_age_days=%d\n' "$((updated / 1440))"
  exit 0
fi
if command -v clamscan >/dev/null; then
  # "ClamAV 1.0.7/27500/Sat Nov 28 09:30:11 2026"; without definitions only the first part.
  version=$(clamscan --version 2>/dev/null)
  printf '%s\n' "$version"
  IFS=/ read -r engine definitions day <<<"$version"
  printf 'VIGIA_FIELD product=%s\n' "$engine"
  printf 'VIGIA_FIELD definitions=%s\n' "${definitions:-none}"
  if [[ -n ${day:-} ]] && made=$(date -d "$day" +%s 2>/dev/null); then
    printf 'VIGIA_FIELD definitions_age_days=%d\n' "$((($(date +%s) - made) / 86400))"
  fi
  running=false
  runs clamd && running=true
  printf 'VIGIA_FIELD running=%s\n' "$running"
  updater=false
  runs freshclam && updater=true
  printf 'VIGIA_FIELD updater_running=%s\n' "$updater"
  exit 0
fi
echo 'neither ClamAV nor Microsoft Defender is here' >&2
exit 4
