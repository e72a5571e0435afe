# Shows batteries. Exit codes: 0 shown, 4 there is none.
set -u
export LC_ALL=C
read_value() { [[ -r $1 ]] && head -c 100 "$1" 2>/dev/null | tr -d '\n\0'; }
count=0
worst=''
shopt -s nullglob
for battery in /sys/class/power_supply/*; do
  [[ $(read_value "$battery/type") == Battery && $(read_value "$battery/scope") != Device ]] || continue
  count=$((count + 1))
  full=$(read_value "$battery/energy_full" || read_value "$battery/charge_full")
  design=$(read_value "$battery/energy_full_design" || read_value "$battery/charge_full_design")
  health=''
  if [[ $full =~ ^[0-9]+$ && $design =~ ^[1-9][0-9]*$ ]]; then
    health=$((full * 100 / design))
    if [[ -z $worst ]] || ((health < worst)); then worst=$health; fi
  fi
  printf '%s: %s %s, charge %s %%, %s, health %s %%, charged %s times\n' "${battery##*/}" \
    "$(read_value "$battery/manufacturer")" "$(read_value "$battery/model_name")" "$(read_value "$battery/capacity")" \
    "$(read_value "$battery/status")" "${health:-unknown}" "$(read_value "$battery/cycle_count")"
done
if ((count == 0)); then
  echo 'there is no battery' >&2
  exit 4
fi
printf 'VIGIA_FIELD battery_count=%d\n' "$count"
[[ -z $worst ]] || printf 'VIGIA_FIELD health_percent=%d\n' "$worst"
