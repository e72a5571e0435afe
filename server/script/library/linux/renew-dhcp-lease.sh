# Renews the DHCP lease of VIGIA_PARAM_INTERFACE. Exit codes: 0 it has an address, 1 it has none afterwards, 2 the interface is
# refused, 4 nothing here manages it.
set -u
export LC_ALL=C
interface=${VIGIA_PARAM_INTERFACE:?no interface given}
[[ $interface =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$ && $interface != lo ]] || {
  echo 'refused: not a name of an interface' >&2
  exit 2
}
ip link show dev "$interface" >/dev/null 2>&1 || {
  printf 'refused: there is no interface %s\n' "$interface" >&2
  exit 2
}
address() { ip -4 -o address show dev "$interface" scope global 2>/dev/null | awk '{ print $4; exit }'; }
before=$(address)

if networkctl status "$interface" 2>/dev/null | grep -q 'State: routable\|State: degraded' && networkctl renew "$interface"; then
  by=systemd-networkd
elif [[ $(nmcli -g GENERAL.STATE device show "$interface" 2>/dev/null) == 100* ]] && nmcli --wait 30 device connect "$interface"; then
  by=NetworkManager
elif command -v dhcpcd >/dev/null && dhcpcd -n "$interface"; then
  by=dhcpcd
elif command -v dhclient >/dev/null && timeout 45 dhclient -1 "$interface"; then
  by=dhclient
else
  printf 'nothing here manages the address of %s, or it refused\n' "$interface" >&2
  exit 4
fi
after=''
for ((tries = 0; tries < 30; tries++)); do
  after=$(address)
  [[ -z $after ]] || break
  sleep 1
done
printf 'VIGIA_FIELD renewed_by=%s\n' "$by"
printf 'VIGIA_FIELD address_before=%s\n' "$before"
printf 'VIGIA_FIELD address=%s\n' "$after"
[[ -n $after ]] || {
  printf '%s has no address\n' "$interface" >&2
  exit 1
}
printf '%s has %s\n' "$interface" "$after"
