# Sums failed logins. Exit codes: 0 summed, 4 there is nothing to read them from.
set -u
export LC_ALL=C
hours=${VIGIA_PARAM_HOURS:-24}
since=$(date -d "-$hours hours" '+%Y-%m-%dT%H:%M:%S')
pattern='Failed (password|publickey)|authentication failure|Invalid user|maximum authentication attempts'
lines=$(journalctl --no-pager --quiet --output=short-iso --since="-${hours}h" 2>/dev/null | grep -E "$pattern" | head -n 50000)
source=journal
if [[ -z $lines ]]; then
  file=''
  for each in /var/log/auth.log /var/log/secure; do [[ -r $each ]] && file=$each; done
  if [[ -z $file ]]; then
    [[ -d /run/log/journal || -d /var/log/journal ]] || {
      echo 'neither a journal nor a log of authentication is here' >&2
      exit 4
    }
  else
    source=$file
    # Lines begin with an ISO time, or with "Nov 29 10:00:00", which says no year and is taken as it is.
    lines=$(grep -E "$pattern" "$file" | tail -n 50000 | awk -v since="$since" '$1 !~ /^[0-9]{4}-/ || substr($1, 1, 19) >= since')
  fi
fi
total=$(grep -c . <<<"$lines")
echo '--- by address'
addresses=$(grep -oE '(from|rhost=) ?[0-9A-Fa-f.:]{3,45}' <<<"$lines" | sed -E 's/^(from|rhost=) ?//' | sort | uniq -c | sort -rn)
head -n 20 <<<"$addresses"
echo '--- by name'
grep -oE '(for (invalid user )?|[Ii]nvalid user |user=)[^[:space:]]{1,64}' <<<"$lines" |
  sed -E 's/^(for (invalid user )?|[Ii]nvalid user |user=)//' | sort | uniq -c | sort -rn | head -n 20 | cat -v
printf 'VIGIA_FIELD failed_count=%d\n' "$total"
printf 'VIGIA_FIELD top_address=%s\n' "$(awk 'NR == 1 { print $2 }' <<<"$addresses")"
printf 'VIGIA_FIELD read_from=%s\n' "$source"
