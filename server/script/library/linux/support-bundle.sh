# Gathers facts for support, each part bounded. Exit code: 0 gathered.
set -u
export LC_ALL=C
part() {
  local title=$1
  shift
  printf '\n=== %s\n' "$title"
  timeout 20 "$@" 2>&1 </dev/null | head -n 60 | cut -c 1-300 | cat -v
  if [[ ${PIPESTATUS[0]} -eq 127 ]]; then echo '(the tool is not here)'; fi
}
parts=0
gather() {
  parts=$((parts + 1))
  part "$@"
}
gather 'system' uname -a
gather 'release' sed -n 's/^PRETTY_NAME=//p' /etc/os-release
gather 'uptime' cat /proc/uptime /proc/loadavg
gather 'memory' head -n 5 /proc/meminfo
gather 'disks' df -PTh -x tmpfs -x devtmpfs
gather 'inodes' df -Pi -x tmpfs -x devtmpfs
gather 'devices' lsblk -o NAME,TYPE,SIZE,FSTYPE,MOUNTPOINT
gather 'busiest programs' ps -eo pid,user,pcpu,pmem,etimes,comm --sort=-pcpu
gather 'failed units' systemctl --no-pager --plain --no-legend list-units --state=failed
gather 'errors of the last day' journalctl --no-pager --quiet --priority=err --since=-1d --lines=50
gather 'addresses' ip -brief address
gather 'routes' ip route
gather 'resolvers' grep -E '^nameserver|^search' /etc/resolv.conf
gather 'signed in' who
gather 'last starts' last -x -n 10 reboot shutdown
gather 'clock' date --iso-8601=seconds
printf 'VIGIA_FIELD part_count=%d\n' "$parts"
exit 0
