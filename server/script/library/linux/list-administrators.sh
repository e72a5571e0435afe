# Lists administrators. Exit codes: 0 listed, 3 getent is missing.
set -u
export LC_ALL=C
command -v getent >/dev/null || {
  echo 'this needs getent' >&2
  exit 3
}
declare -A who=()
while IFS=: read -r name _ uid _; do
  [[ $uid == 0 ]] || continue
  who[$name]=1
  printf '%q: user number 0\n' "$name"
done < <(getent passwd)
for group in sudo wheel admin root; do
  line=$(getent group "$group") || continue
  gid=$(cut -d : -f 3 <<<"$line")
  members=$(cut -d : -f 4 <<<"$line" | tr , '\n')
  # Those whose own group it is are not listed there.
  [[ $group == root ]] || members+=$'\n'$(getent passwd | awk -F : -v gid="$gid" '$4 == gid { print $1 }')
  while IFS= read -r name; do
    [[ -n $name ]] || continue
    who[$name]=1
    printf '%q: group %s\n' "$name" "$group"
  done <<<"$members"
done
rules=0
shopt -s nullglob
for file in /etc/sudoers /etc/sudoers.d/*; do
  [[ -f $file && -r $file ]] || continue
  while IFS= read -r line; do
    rules=$((rules + 1))
    printf 'sudo (%s): %s\n' "$file" "$(cat -v <<<"$line")"
  done < <(grep -E '^[[:space:]]*[^#@[:space:]]' "$file" | grep -Ev '^[[:space:]]*(Defaults|[A-Z]+_Alias)')
done
names=$(printf '%s\n' "${!who[@]}" | sort | tr '\n' ' ')
printf 'VIGIA_FIELD administrators=%s\n' "${names% }"
printf 'VIGIA_FIELD administrator_count=%d\n' "${#who[@]}"
printf 'VIGIA_FIELD sudo_rule_count=%d\n' "$rules"
