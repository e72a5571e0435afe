# Restarts the container VIGIA_PARAM_CONTAINER. Exit codes: 0 it runs, 1 it does not, 2 the name is refused, 3 neither docker nor
# podman is here, 4 there is no such container.
set -u
export LC_ALL=C
container=${VIGIA_PARAM_CONTAINER:?no container given}
[[ $container =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$ ]] || {
  echo 'refused: not a name of a container' >&2
  exit 2
}
tool=''
for each in docker podman; do
  command -v "$each" >/dev/null && tool=$each && break
done
[[ -n $tool ]] || {
  echo 'neither docker nor podman is here' >&2
  exit 3
}
state() { timeout 20 "$tool" container inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$container" 2>/dev/null; }
now=$(state) || {
  printf '%s has no container %s\n' "$tool" "$container" >&2
  exit 4
}
printf '%s is %s\n' "$container" "$now"
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  echo 'would restart it'
  exit 0
fi
timeout 90 "$tool" restart "$container" >/dev/null || exit 1
for ((tries = 0; tries < 45; tries++)); do
  sleep 1
  read -r status health <<<"$(state)"
  if [[ $status == running && ${health:-healthy} == healthy ]] && ((tries > 1)); then
    printf 'VIGIA_FIELD state=%s\n' "$status"
    echo 'it runs'
    exit 0
  fi
  [[ $status != exited && $status != dead ]] || break
done
printf 'VIGIA_FIELD state=%s\n' "${status:-unknown}"
echo 'it does not run, or is not healthy; its last lines:' >&2
timeout 20 "$tool" logs --tail 20 "$container" 2>&1 | cut -c 1-300 | cat -v >&2
exit 1
