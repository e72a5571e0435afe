# Prints the busiest processes. Exit code: 0 printed.
set -u
export LC_ALL=C
count=${VIGIA_PARAM_COUNT:-10}
sysctl -n vm.loadavg
echo '--- by processor'
ps -Aceo pid,ppid,user,%cpu,%mem,rss,etime,comm -r | head -n "$((count + 1))"
echo '--- by memory'
ps -Aceo pid,ppid,user,%cpu,%mem,rss,etime,comm -m | head -n "$((count + 1))"
echo "VIGIA_FIELD busiest=$(ps -Aceo comm -r | sed -n 2p)"
echo "VIGIA_FIELD largest=$(ps -Aceo comm -m | sed -n 2p)"
