# Prints what this machine is and how it stands. Changes nothing; what a system lacks is left out.
export LC_ALL=C
echo "host: $(uname -n)"
echo "kernel: $(uname -srm)"
if [ -r /etc/os-release ]; then sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/system: \1/p' /etc/os-release; fi
if [ -r /proc/uptime ]; then
  read -r up _ </proc/uptime
  echo "uptime: ${up%.*} s"
  echo "VIGIA_FIELD uptime_seconds=${up%.*}"
fi
if [ -r /proc/meminfo ]; then grep -E '^(MemTotal|MemAvailable|SwapTotal|SwapFree):' /proc/meminfo; fi
df -P -k 2>/dev/null
exit 0
