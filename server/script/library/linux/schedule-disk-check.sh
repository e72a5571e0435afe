# Marks the file system at VIGIA_PARAM_MOUNT for a check. Exit codes: 0 marked, 1 it could not be, 2 the path is refused, 3 tune2fs
# or findmnt is missing, 4 this kind of file system is not checked that way.
set -u
export LC_ALL=C
mount=${VIGIA_PARAM_MOUNT:?no mount point given}
command -v findmnt >/dev/null && command -v tune2fs >/dev/null || {
  echo 'this needs findmnt and tune2fs' >&2
  exit 3
}
[[ $mount == /* ]] || {
  echo 'refused: the mount point must be an absolute path' >&2
  exit 2
}
kind=$(findmnt -nvo FSTYPE --mountpoint "$mount" 2>/dev/null | tail -n 1)
source=$(findmnt -nvo SOURCE --mountpoint "$mount" 2>/dev/null | tail -n 1)
if [[ -z $kind ]]; then
  echo 'refused: no file system is mounted there' >&2
  exit 2
fi
printf 'VIGIA_FIELD file_system=%s\n' "$kind"
if [[ ! $kind =~ ^ext[234]$ || ! -b $source ]]; then
  printf '%s is not checked at a start: xfs and btrfs check themselves, network disks are checked where they lie\n' "$kind" >&2
  exit 4
fi
tune2fs -l "$source" 2>/dev/null | grep -E '^(Filesystem state|Last checked|Mount count|Maximum mount count|FS Error count)'
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would mark %s\n' "$source"
  exit 0
fi
tune2fs -E force_fsck "$source" || exit 1
printf 'VIGIA_FIELD device=%s\n' "$source"
echo 'it is checked at the next start'
