# Shows the firewall. Exit codes: 0 shown, 3 no tool of a firewall is here.
set -u
export LC_ALL=C
kind=none
enabled=false
seen=no
if command -v ufw >/dev/null; then
  seen=yes
  state=$(ufw status verbose 2>&1)
  printf -- '--- ufw\n%s\n' "$state"
  if [[ $state == 'Status: active'* ]]; then
    kind=ufw
    enabled=true
  fi
fi
if command -v firewall-cmd >/dev/null; then
  seen=yes
  printf -- '--- firewalld\n'
  if [[ $(firewall-cmd --state 2>&1) == running ]]; then
    kind=firewalld
    enabled=true
    firewall-cmd --list-all-zones
  fi
fi
if command -v nft >/dev/null; then
  seen=yes
  rules=$(nft list ruleset 2>&1)
  printf -- '--- nftables\n%.20000s\n' "$rules"
  if [[ $enabled == false && $rules == *'hook input'* && $rules =~ (policy\ drop|drop|reject) ]]; then
    kind=nftables
    enabled=true
  fi
fi
if [[ $enabled == false ]] && command -v iptables >/dev/null; then
  seen=yes
  rules=$(iptables -S INPUT 2>&1)
  printf -- '--- iptables\n%s\n' "$rules"
  if [[ $rules == *'-P INPUT DROP'* || $rules =~ -j\ (DROP|REJECT) ]]; then
    kind=iptables
    enabled=true
  fi
fi
if [[ $seen == no ]]; then
  echo 'no tool of a firewall is here' >&2
  exit 3
fi
printf 'VIGIA_FIELD firewall=%s\n' "$kind"
printf 'VIGIA_FIELD enabled=%s\n' "$enabled"
