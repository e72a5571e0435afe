# Lists missing updates. Exit codes: 0 listed, 1 softwareupdate failed.
set -u
export LC_ALL=C
list=$(softwareupdate --list 2>&1) || {
  echo "$list" >&2
  exit 1
}
echo "$list"
echo "VIGIA_FIELD missing_count=$(echo "$list" | grep -c '^ *\* Label: ')"
echo "VIGIA_FIELD restart_count=$(echo "$list" | grep -c 'Action: restart')"
