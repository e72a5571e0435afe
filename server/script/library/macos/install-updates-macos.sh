# Installs updates that need no restart. Exit codes: 0 installed, 1 one failed, 5 none was missing.
set -u
export LC_ALL=C
list=$(softwareupdate --list 2>&1) || {
  echo "$list" >&2
  exit 1
}
# "* Label: NAME", and in the next line its title, size and, where it has one, "Action: restart".
labels=$(echo "$list" | awk '
  /^ *\* Label: / { sub(/^ *\* Label: /, ""); label = $0; next }
  label != "" { if ($0 !~ /Action: (restart|shut ?down)/) print label; label = "" }')
if [ -z "$labels" ]; then
  echo 'none is missing that needs no restart' >&2
  exit 5
fi
echo "$labels"
if [ "${VIGIA_DRY_RUN:-}" = 1 ]; then
  echo 'would install these'
  exit 0
fi
failed=0
count=0
while IFS= read -r label; do
  count=$((count + 1))
  softwareupdate --install "$label" </dev/null || failed=$((failed + 1))
done <<LABELS
$labels
LABELS
echo "VIGIA_FIELD installed_count=$((count - failed))"
echo "VIGIA_FIELD failed_count=$failed"
[ "$failed" -eq 0 ]
