# Prints the VIGIA_PARAM_COUNT processes with most CPU time in use and with most memory.
set -u
export LC_ALL=C
count=${VIGIA_PARAM_COUNT:-10}
command -v ps >/dev/null || {
  echo 'this needs ps' >&2
  exit 3
}
echo "load: $(cut -d ' ' -f 1-3 /proc/loadavg)"
echo '--- by CPU'
ps -eo pid,ppid,user,pcpu,pmem,rss,etimes,comm --sort=-pcpu | head -n "$((count + 1))"
echo '--- by memory'
ps -eo pid,ppid,user,pcpu,pmem,rss,etimes,comm --sort=-rss | head -n "$((count + 1))"
