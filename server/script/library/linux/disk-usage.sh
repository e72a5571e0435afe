# Sums space by folder below VIGIA_PARAM_DIRECTORY. Exit codes: 0 listed, 2 the path is refused.
set -u
export LC_ALL=C
directory=${VIGIA_PARAM_DIRECTORY:?no directory given}
depth=${VIGIA_PARAM_DEPTH:?no depth given}
count=${VIGIA_PARAM_COUNT:?no count given}
refuse() {
  printf 'refused: %s\n' "$1" >&2
  exit 2
}
[[ $directory == /* ]] || refuse 'the path must be absolute'
cd -P -- "$directory" 2>/dev/null || refuse 'there is no such directory, or it may not be read'
[[ $(readlink /proc/self/cwd) == "$directory" ]] || refuse 'the path is not plain: symbolic link, dots or doubled slashes'
df -P -k . | tail -n 1
total=0
while IFS=$'\t' read -r -d '' kib path; do
  [[ $path == . ]] && total=$kib
  printf '%12d KiB  %q\n' "$kib" "${directory%/}/${path#./}"
done < <(du -xk0 --max-depth="$depth" . 2>/dev/null | sort -z -k 1,1nr | head -z -n "$count")
printf 'VIGIA_FIELD total_bytes=%d\n' "$((total * 1024))"
printf 'VIGIA_FIELD free_bytes=%d\n' "$(($(stat -f -c '%a * %S' .)))"
