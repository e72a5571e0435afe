# Shows memory. Exit codes: 0 shown, 3 ps is missing.
set -u
export LC_ALL=C
count=${VIGIA_PARAM_COUNT:-15}
command -v ps >/dev/null || {
  echo 'this needs ps' >&2
  exit 3
}
value() { awk -v name="$1:" '$1 == name { print $2; exit }' /proc/meminfo; }
grep -E '^(MemTotal|MemAvailable|Cached|Shmem|Slab|SwapTotal|SwapFree|Committed_AS):' /proc/meminfo
[[ -r /proc/pressure/memory ]] && sed 's/^/pressure: /' /proc/pressure/memory
echo '--- swap'
cat /proc/swaps
echo '--- by memory of their own (RSS, KiB)'
ps -eo pid,user,rss,vsz,etimes,comm --sort=-rss | head -n "$((count + 1))"
echo '--- by what was swapped out (KiB)'
for status in /proc/[0-9]*/status; do
  awk '$1 == "Name:" { name = $2 } $1 == "Pid:" { pid = $2 } $1 == "VmSwap:" && $2 > 0 { print $2, pid, name }' "$status" 2>/dev/null
done | sort -rn | head -n "$count"
killed=$(dmesg 2>/dev/null | grep -c 'Out of memory: Killed process')
total=$(value MemTotal)
available=$(value MemAvailable)
printf 'VIGIA_FIELD used_percent=%d\n' "$(((total - available) * 100 / total))"
printf 'VIGIA_FIELD available_bytes=%d\n' "$((available * 1024))"
printf 'VIGIA_FIELD swap_used_bytes=%d\n' "$((($(value SwapTotal) - $(value SwapFree)) * 1024))"
printf 'VIGIA_FIELD largest=%s\n' "$(ps -eo comm= --sort=-rss | head -n 1)"
printf 'VIGIA_FIELD ended_for_memory_count=%d\n' "${killed:-0}"
