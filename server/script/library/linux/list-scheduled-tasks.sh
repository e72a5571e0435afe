# Lists scheduled tasks. Exit code: 0 listed.
set -u
export LC_ALL=C
count=0
recent=0
now=$(date +%s)
shopt -s nullglob
note() {
  local changed
  changed=$(stat -c %Y -- "$1") || return
  count=$((count + 1))
  if ((now - changed < 86400 * 7)); then recent=$((recent + 1)); fi
  printf -- '--- %q, changed %s, owner %s\n' "$1" "$(date -d "@$changed" +%F)" "$(stat -c %U -- "$1")"
}
for file in /etc/crontab /etc/cron.d/* /var/spool/cron/crontabs/* /var/spool/cron/[a-z]*; do
  [[ -f $file && ! -L $file ]] || continue
  note "$file"
  grep -Ev '^[[:space:]]*(#|$)' -- "$file" | head -n 40 | cut -c 1-300 | cat -v
done
for file in /etc/cron.{hourly,daily,weekly,monthly}/*; do
  [[ -f $file ]] && note "$file"
done
for file in /etc/systemd/system/*.timer; do
  [[ -f $file ]] && note "$file"
done
if timers=$(systemctl list-timers --all --no-pager --no-legend 2>/dev/null); then
  printf -- '--- timers of systemd\n%s\n' "$timers"
fi
printf 'VIGIA_FIELD file_count=%d\n' "$count"
printf 'VIGIA_FIELD changed_7d_count=%d\n' "$recent"
