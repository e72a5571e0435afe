# Shows the network. Exit codes: 0 shown, 3 ip is missing.
set -u
export LC_ALL=C
command -v ip >/dev/null || {
  echo 'this needs ip (iproute2)' >&2
  exit 3
}
echo '--- interfaces'
ip -s address show
echo '--- routes'
ip -4 route show
ip -6 route show
echo '--- resolvers'
grep -E '^[[:space:]]*(nameserver|search|options)' /etc/resolv.conf 2>/dev/null
resolvectl --no-pager dns 2>/dev/null
echo '--- neighbours'
ip neighbour show | head -n 100
echo '--- in use'
ss -s 2>/dev/null
gateway=$(ip -4 route show default | awk '{ for (i = 1; i < NF; i++) if ($i == "via") { print $(i + 1); exit } }')
address=$(ip -4 -o address show scope global | awk '{ print $4; exit }')
printf 'VIGIA_FIELD gateway=%s\n' "$gateway"
printf 'VIGIA_FIELD address=%s\n' "$address"
printf 'VIGIA_FIELD resolvers=%s\n' "$(awk '$1 == "nameserver" { printf "%s ", $2 }' /etc/resolv.conf 2>/dev/null)"
