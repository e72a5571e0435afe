# Prints what this machine is. Exit code: 0 printed.
set -u
export LC_ALL=C
sw_vers
system_profiler SPHardwareDataType 2>/dev/null | grep -E '(Model|Chip|Processor|Memory|Serial)'
echo "memory: $(memory_pressure -Q 2>/dev/null | tail -n 1)"
df -Ph /
diskutil info / 2>/dev/null | grep -E '(SMART Status|File System Personality|FileVault)'
scutil --dns 2>/dev/null | grep nameserver | sort -u | head -n 10
ifconfig -l
pmset -g batt 2>/dev/null
who
# "{ sec = 1790000000, usec = 0 } Mon Sep 21 …"
started=$(sysctl -n kern.boottime | sed -n 's/^{ sec = \([0-9]*\),.*/\1/p')
[ -z "$started" ] || echo "VIGIA_FIELD uptime_seconds=$(($(date +%s) - started))"
echo "VIGIA_FIELD version=$(sw_vers -productVersion)"
battery=$(pmset -g batt 2>/dev/null | sed -n 's/.*[[:space:]]\([0-9]*\)%;.*/\1/p' | head -n 1)
[ -z "$battery" ] || echo "VIGIA_FIELD battery_percent=$battery"
