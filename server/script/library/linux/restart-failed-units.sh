# Restarts failed systemd services. Exit codes: 0 all of them run, 1 some are still failed or were left alone, 4 systemd does
# not run here, 5 none has failed, 6 more have failed than may be restarted.
set -u
export LC_ALL=C
most=${VIGIA_PARAM_MOST:?no limit given}

failed=$(systemctl list-units --state=failed --type=service --plain --no-legend --no-pager 2>&1) || {
  printf 'systemd does not answer: %s\n' "$failed" >&2
  exit 4
}
property() { systemctl show --property="$1" --value -- "$2" 2>/dev/null; }

candidates=()
left=()
while read -r unit _; do
  [[ $unit =~ ^[A-Za-z0-9:_.\\@-]{1,200}\.service$ && $unit != -* ]] || continue
  state=$(property UnitFileState "$unit")
  type=$(property Type "$unit")
  if [[ $state != enabled && $state != enabled-runtime ]]; then
    left+=("$unit")
    printf 'left alone, nobody enabled it (%s): %s\n' "$state" "$unit"
  elif [[ $type == oneshot ]]; then
    left+=("$unit")
    printf 'left alone, it does its work once and must not do it twice: %s\n' "$unit"
  else
    candidates+=("$unit")
  fi
done <<<"$failed"

if ((${#candidates[@]} + ${#left[@]} == 0)); then
  echo 'no service has failed' >&2
  exit 5
fi
if ((${#candidates[@]} > most)); then
  printf 'refused: %d services have failed, of which at most %d may be restarted: %s\n' "${#candidates[@]}" "$most" "${candidates[*]}" >&2
  exit 6
fi
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would restart: %s\n' "${candidates[@]}"
  exit 0
fi

still=()
restarted=()
for unit in "${candidates[@]}"; do
  runs=no
  if systemctl restart -- "$unit"; then
    # One that ends again does so at once, mostly.
    sleep 2
    for ((tries = 0; tries < 15; tries++)); do
      case $(property ActiveState "$unit") in
        active) runs=yes ;;
        activating | reloading) sleep 1; continue ;;
      esac
      break
    done
  fi
  if [[ $runs == yes ]]; then
    restarted+=("$unit")
    printf 'runs again: %s\n' "$unit"
  else
    still+=("$unit")
    printf 'still failed: %s\n' "$unit" >&2
    systemctl --no-pager --lines=10 status -- "$unit" >&2
  fi
done
printf 'VIGIA_FIELD restarted_count=%d\n' "${#restarted[@]}"
printf 'VIGIA_FIELD still_failed=%s\n' "${still[*]:-}"
printf 'VIGIA_FIELD left_alone=%s\n' "${left[*]:-}"
((${#still[@]} + ${#left[@]} == 0))
