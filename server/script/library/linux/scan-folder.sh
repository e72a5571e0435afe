# Scans VIGIA_PARAM_DIRECTORY with ClamAV. Exit codes: 0 nothing found, 1 the scan failed, 2 the path is refused, 3 ClamAV is
# missing, 6 something was found.
set -u
export LC_ALL=C
directory=${VIGIA_PARAM_DIRECTORY:?no directory given}
refuse() {
  printf 'refused: %s\n' "$1" >&2
  exit 2
}
[[ $directory == /* ]] || refuse 'the path must be absolute'
cd -P -- "$directory" 2>/dev/null || refuse 'there is no such directory, or it may not be read'
[[ $(readlink /proc/self/cwd) == "$directory" ]] || refuse 'the path is not plain: symbolic link, dots or doubled slashes'
if command -v clamdscan >/dev/null && clamdscan --ping 1 >/dev/null 2>&1; then
  scan=(clamdscan --fdpass --multiscan --infected --stdout)
elif command -v clamscan >/dev/null; then
  scan=(clamscan --recursive --cross-fs=no --follow-dir-symlinks=0 --follow-file-symlinks=0 --infected --stdout)
else
  echo 'ClamAV is not here' >&2
  exit 3
fi
report=$("${scan[@]}" . 2>&1 </dev/null)
code=$?
printf '%.60000s\n' "$report"
printf 'VIGIA_FIELD scanned_count=%s\n' "$(sed -n 's/^Scanned files: //p' <<<"$report" | tail -n 1)"
printf 'VIGIA_FIELD infected_count=%s\n' "$(sed -n 's/^Infected files: //p' <<<"$report" | tail -n 1)"
case $code in
  0) exit 0 ;;
  1)
    echo 'something was found: a person decides what becomes of it' >&2
    exit 6
    ;;
  *) exit 1 ;;
esac
