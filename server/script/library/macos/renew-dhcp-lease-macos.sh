# Renews the DHCP lease of VIGIA_PARAM_INTERFACE. Exit codes: 0 it has an address, 1 it has none, 2 the interface is refused, 4 its
# address is fixed.
set -u
export LC_ALL=C
interface=${VIGIA_PARAM_INTERFACE:?no interface given}
case $interface in
  en[0-9] | en[0-9][0-9]) ;;
  *)
    echo 'refused: not a name of an interface' >&2
    exit 2
    ;;
esac
ifconfig "$interface" >/dev/null 2>&1 || {
  echo "refused: there is no interface $interface" >&2
  exit 2
}
server=$(ipconfig getoption "$interface" server_identifier 2>/dev/null)
if [ -z "$server" ]; then
  echo 'its address is fixed, or it is not connected' >&2
  exit 4
fi
before=$(ipconfig getifaddr "$interface")
ipconfig set "$interface" DHCP || exit 1
tries=0
after=''
while [ "$tries" -lt 30 ] && [ -z "$after" ]; do
  sleep 1
  after=$(ipconfig getifaddr "$interface")
  tries=$((tries + 1))
done
echo "VIGIA_FIELD address_before=$before"
echo "VIGIA_FIELD address=$after"
echo "VIGIA_FIELD dhcp_server=$server"
if [ -z "$after" ]; then
  echo "$interface has no address" >&2
  exit 1
fi
