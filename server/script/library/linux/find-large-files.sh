# Lists the largest files below VIGIA_PARAM_DIRECTORY. Exit codes: 0 listed, 2 the path is refused, 3 GNU find is missing.
set -u
export LC_ALL=C
directory=${VIGIA_PARAM_DIRECTORY:?no directory given}
least=${VIGIA_PARAM_MIN_MB:?no size given}
count=${VIGIA_PARAM_COUNT:?no count given}
refuse() {
  printf 'refused: %s\n' "$1" >&2
  exit 2
}
[[ $directory == /* ]] || refuse 'the path must be absolute'
cd -P -- "$directory" 2>/dev/null || refuse 'there is no such directory, or it may not be read'
[[ $(readlink /proc/self/cwd) == "$directory" ]] || refuse 'the path is not plain: symbolic link, dots or doubled slashes'
find --version 2>/dev/null | grep -q GNU || {
  echo 'this needs GNU find' >&2
  exit 3
}
found=0
bytes=0
largest=0
while IFS=' ' read -r -d '' size day owner path; do
  found=$((found + 1))
  bytes=$((bytes + size))
  ((largest > 0)) || largest=$size
  printf '%15d  %s  %-16s %q\n' "$size" "$day" "$owner" "${directory%/}/$path"
done < <(find . -xdev -type f -size "+$((least * 1024 - 1))k" -printf '%s %TY-%Tm-%Td %u %P\0' 2>/dev/null |
  sort -z -k 1,1nr | head -z -n "$count")
printf 'VIGIA_FIELD listed_count=%d\n' "$found"
printf 'VIGIA_FIELD listed_bytes=%d\n' "$bytes"
printf 'VIGIA_FIELD largest_bytes=%d\n' "$largest"
