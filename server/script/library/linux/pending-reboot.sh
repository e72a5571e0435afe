# Says whether a restart is due. Exit code: 0 said.
set -u
export LC_ALL=C
reasons=()
if [[ -e /run/reboot-required ]]; then
  packages=''
  [[ -r /run/reboot-required.pkgs ]] && packages=$(sort -u /run/reboot-required.pkgs | head -n 50 | tr '\n' ' ')
  reasons+=("packages ask for it: ${packages:-not said which}")
fi
if command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null 2>&1; then
  reasons+=('needs-restarting says so')
fi
running=$(uname -r)
newest=''
shopt -s nullglob
for kernel in /boot/vmlinuz-[0-9]*; do newest+="${kernel#/boot/vmlinuz-}"$'\n'; done
newest=$(sort -V <<<"$newest" | tail -n 1)
if [[ -n $newest && $newest != "$running" && -e /boot/vmlinuz-$running ]]; then
  reasons+=("kernel $newest is installed, $running runs")
fi
read -r up _ </proc/uptime
((${#reasons[@]} == 0)) || printf '%s\n' "${reasons[@]}"
due=false
((${#reasons[@]} == 0)) || due=true
printf 'VIGIA_FIELD due=%s\n' "$due"
printf 'VIGIA_FIELD reasons=%s\n' "$(
  IFS=';'
  echo "${reasons[*]:-}"
)"
printf 'VIGIA_FIELD uptime_days=%d\n' "$((${up%.*} / 86400))"
