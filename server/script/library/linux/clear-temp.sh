# Frees space on the file system that is mounted at VIGIA_PARAM_MOUNT. Exit codes: 0 something was freed (whether it
# was enough, the rule decides), 2 the path is refused, 3 this system lacks a tool, 5 there was nothing to free. With
# VIGIA_DRY_RUN=1 it deletes nothing and says what it would free.
set -u
export LC_ALL=C
umask 077

mount=${VIGIA_PARAM_MOUNT:?no mount point given}
week_min=10080
freed=0
removed=0
# What find does with what it has found.
act=(-delete)
words='removed'
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  act=(-true)
  words='would be removed'
fi

refuse() {
  printf 'refused: %s\n' "$1" >&2
  exit 2
}

[[ $mount == /* ]] || refuse 'the mount point must be an absolute path'
cd -P -- "$mount" 2>/dev/null || refuse 'there is no such directory'
[[ $(readlink /proc/self/cwd) == "$mount" ]] || refuse 'the path is not plain: symbolic link, dots or doubled slashes'
mountpoint -q . || refuse 'no file system is mounted there'
find --version 2>/dev/null | grep -q GNU || {
  echo 'this needs GNU find' >&2
  exit 3
}
device=$(stat -c %d .)
base=${mount%/}

# Regular files that some process holds open, on this file system: deleting them frees nothing and may break it.
declare -A open_inodes=()
apt_is_busy=no
while IFS= read -r -d '' link && IFS= read -r -d '' fd; do
  [[ $link == "$base"/* ]] || continue
  [[ $link == */var/cache/apt/archives/lock ]] && apt_is_busy=yes
  identity=$(stat -L -c %d:%i -- "$fd" 2>/dev/null) || continue
  [[ $identity == "$device":* ]] && open_inodes[${identity#*:}]=1
done < <(find /proc/[0-9]*/fd -maxdepth 1 -type l -lname '/*' -printf '%l\0%p\0' 2>/dev/null)
not_open=()
for inode in "${!open_inodes[@]}"; do not_open+=(-not -inum "$inode"); done

# clean DIRECTORY FIND-TESTS…: deletes what matches below it. The directory is entered first and checked then, so
# that nobody can put another in its place; find works relative to it, crosses no mount and follows no link.
clean() {
  local directory=$1 blocks links
  shift
  [[ -d $directory && ! -L $directory ]] || return 0
  cd -P -- "$directory" 2>/dev/null || return 0
  if [[ $(readlink /proc/self/cwd) != "$directory" ]]; then
    printf 'left alone, a link leads elsewhere: %q\n' "$directory"
    return 0
  fi
  [[ $(stat -c %d .) == "$device" ]] || return 0
  local bytes=0 files=0
  # -links +0 is true of everything; it makes find look at the file before it is gone. A file with another name
  # somewhere frees nothing.
  while read -r blocks links; do
    files=$((files + 1))
    [[ $links -eq 1 ]] && bytes=$((bytes + blocks * 512))
  done < <(find . -xdev -mindepth 1 "$@" "${not_open[@]}" -links +0 "${act[@]}" -printf '%b %n\n')
  [[ $files -gt 0 ]] && printf '%s: %d %s, %d bytes\n' "$directory" "$files" "$words" "$bytes"
  freed=$((freed + bytes))
  removed=$((removed + files))
}

old=(-mmin +"$week_min" -amin +"$week_min")
private=(-not -path './systemd-private-*' -not -path './snap-private-tmp*' -not -path './.*-unix*')

temporary=("$base/tmp" "$base/var/tmp")
[[ $mount == /tmp || $mount == /var/tmp ]] && temporary+=("$mount")
[[ $mount == /var ]] && temporary+=(/var/tmp)
for directory in "${temporary[@]}"; do
  clean "$directory" "${private[@]}" -type f "${old[@]}"
  clean "$directory" "${private[@]}" -type d -empty "${old[@]}"
done

caches=("$base/var/cache")
[[ $mount == /var ]] && caches+=(/var/cache)
for cache in "${caches[@]}"; do
  [[ $apt_is_busy == no ]] && clean "$cache/apt/archives" -type f -name '*.deb'
  clean "$cache/dnf" -type f -name '*.rpm' -mmin +60
  clean "$cache/yum" -type f -name '*.rpm' -mmin +60
done

shopt -s nullglob
bins=("$base"/.Trash-[0-9]* "$base"/root/.local/share/Trash "$base"/home/*/.local/share/Trash)
[[ $mount == /home ]] && bins+=(/home/*/.local/share/Trash)
for bin in "${bins[@]}"; do
  clean "$bin/files" -cmin +"$week_min"
  clean "$bin/info" -type f -name '*.trashinfo' -cmin +"$week_min"
done

cd -- "$mount" || exit 2
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'VIGIA_FIELD would_free_bytes=%d\n' "$freed"
else
  printf 'VIGIA_FIELD freed_bytes=%d\n' "$freed"
  printf 'VIGIA_FIELD removed_count=%d\n' "$removed"
fi
printf 'VIGIA_FIELD free_bytes=%d\n' "$(($(stat -f -c '%a * %S' .)))"
if [[ $removed -eq 0 ]]; then
  echo 'nothing here is old enough, or a copy of what can be had again: somebody has to look' >&2
  exit 5
fi
