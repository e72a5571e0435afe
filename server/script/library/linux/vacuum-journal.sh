# Shortens the journal of systemd. Exit codes: 0 done, 1 journalctl failed, 3 there is no journalctl, 5 nothing was over the limits.
set -u
export LC_ALL=C
size=${VIGIA_PARAM_KEEP_MB:?no size given}
days=${VIGIA_PARAM_KEEP_DAYS:?no age given}
command -v journalctl >/dev/null || {
  echo 'there is no journalctl' >&2
  exit 3
}

used() {
  du -skx /var/log/journal /run/log/journal 2>/dev/null | awk '{ kib += $1 } END { printf "%d", kib * 1024 }'
}

before=$(used)
printf 'the journal takes %d bytes\n' "$before"
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would keep %d MB and %d days of it\n' "$size" "$days"
  exit 0
fi
journalctl --vacuum-size="${size}M" --vacuum-time="${days}days" || exit 1
freed=$((before - $(used)))
((freed > 0)) || freed=0
printf 'VIGIA_FIELD freed_bytes=%d\n' "$freed"
if ((freed == 0)); then
  echo 'nothing was over the limits' >&2
  exit 5
fi
