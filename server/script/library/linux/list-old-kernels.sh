# Lists kernels that could be removed. Exit codes: 0 listed, 3 neither dpkg nor rpm is here.
set -u
export LC_ALL=C
running=$(uname -r)

# Lines of RELEASE, TAB, KIB.
installed() {
  if command -v dpkg-query >/dev/null; then
    # shellcheck disable=SC2016 # fields of dpkg-query, not of this shell
    dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Installed-Size}\n' 'linux-image-[0-9]*' 2>/dev/null |
      sed -n 's/^ii[^\t]*\tlinux-image-\([^\t]*\)\t\([0-9]*\)$/\1\t\2/p' | grep -v -e -dbg -e -unsigned
  elif command -v rpm >/dev/null; then
    rpm -q --qf '%{VERSION}-%{RELEASE}.%{ARCH}\t%{SIZE}\n' kernel-core kernel 2>/dev/null |
      awk -F '\t' 'NF == 2 { printf "%s\t%d\n", $1, $2 / 1024 }'
  else
    echo 'neither dpkg nor rpm is here' >&2
    return 3
  fi
}

list=$(installed)
[[ $? -ne 3 ]] || exit 3
newest=$(cut -f 1 <<<"$list" | sort -V | tail -n 1)
count=0
bytes=0
while IFS=$'\t' read -r release kib; do
  [[ -n $release ]] || continue
  if [[ $release == "$running" ]]; then
    state='running'
  elif [[ $release == "$newest" ]]; then
    state='newest'
  else
    state='could go'
    count=$((count + 1))
    bytes=$((bytes + kib * 1024))
  fi
  printf '%-40s %8d KiB  %s\n' "$release" "$kib" "$state"
done <<<"$list"
printf 'VIGIA_FIELD running=%s\n' "$running"
printf 'VIGIA_FIELD removable_count=%d\n' "$count"
printf 'VIGIA_FIELD removable_bytes=%d\n' "$bytes"
