# Lists containers. Exit codes: 0 all that should run do, 1 one restarts again and again or is not healthy, 3 neither docker nor
# podman is here, 4 it does not answer.
set -u
export LC_ALL=C
tool=''
for each in docker podman; do
  command -v "$each" >/dev/null && tool=$each && break
done
[[ -n $tool ]] || {
  echo 'neither docker nor podman is here' >&2
  exit 3
}
list=$(timeout 30 "$tool" ps --all --no-trunc --format '{{.Names}}\t{{.Image}}\t{{.State}}\t{{.Status}}' 2>&1) || {
  printf '%s does not answer: %s\n' "$tool" "$list" >&2
  exit 4
}
running=0
bad=''
total=0
while IFS=$'\t' read -r name image state status; do
  [[ -n $name ]] || continue
  total=$((total + 1))
  printf '%-30s %-12s %-40s %s\n' "$name" "$state" "$status" "$image" | cat -v
  [[ $state == running ]] && running=$((running + 1))
  [[ $state == restarting || $status == *'(unhealthy)'* ]] && bad="$bad $name"
done <<<"$list"
timeout 30 "$tool" stats --no-stream 2>/dev/null | cat -v
printf 'VIGIA_FIELD tool=%s\n' "$tool"
printf 'VIGIA_FIELD container_count=%d\n' "$total"
printf 'VIGIA_FIELD running_count=%d\n' "$running"
printf 'VIGIA_FIELD unhealthy=%s\n' "${bad# }"
[[ -z $bad ]]
