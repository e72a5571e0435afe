# Lists administrators. Exit codes: 0 listed, 1 the directory does not answer.
set -u
export LC_ALL=C
# "GroupMembership: root ana"
members=$(dscl . -read /Groups/admin GroupMembership 2>/dev/null) || {
  echo 'the directory does not answer' >&2
  exit 1
}
members=${members#GroupMembership:}
count=0
names=''
for name in $members; do
  count=$((count + 1))
  names="$names $name"
  echo "$name"
done
echo "VIGIA_FIELD administrators=${names# }"
echo "VIGIA_FIELD administrator_count=$count"
