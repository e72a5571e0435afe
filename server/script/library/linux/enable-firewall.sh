# Switches the firewall on. Exit codes: 0 it is on, 1 it could not be switched on, 2 a value is refused, 3 neither ufw nor
# firewalld is here, 6 it would cut off ports that are not named in VIGIA_PARAM_ALLOW.
set -u
export LC_ALL=C
allow=${VIGIA_PARAM_ALLOW:-}
[[ $allow =~ ^([0-9]{1,5}(,[0-9]{1,5})*)?$ ]] || {
  echo 'refused: ports are numbers with commas between' >&2
  exit 2
}
command -v ss >/dev/null || {
  echo 'this needs ss' >&2
  exit 3
}
if command -v ufw >/dev/null; then
  tool=ufw
elif command -v firewall-cmd >/dev/null; then
  tool=firewalld
else
  echo 'neither ufw nor firewalld is here' >&2
  exit 3
fi

declare -A named=() open=()
IFS=, read -r -a ports <<<"$allow"
for port in "${ports[@]}"; do named[$port]=1; done
# TCP ports that listen for others than this machine; sshd's are always let in.
while read -r _ _ _ local _ users; do
  port=${local##*:}
  case ${local%:*} in
    127.* | '[::1]' | '[::ffff:127.'* | *%lo) continue ;;
  esac
  [[ $port =~ ^[0-9]{1,5}$ ]] || continue
  if [[ $users == *'"sshd"'* ]]; then named[$port]=1; else open[$port]=$users; fi
done < <(ss -Hltnp 2>/dev/null)
cut=()
for port in "${!open[@]}"; do [[ -n ${named[$port]:-} ]] || cut+=("$port"); done
printf 'lets in: %s\n' "${!named[*]}"
if ((${#cut[@]} > 0)) && [[ ${VIGIA_PARAM_CUT_OFF:-false} != true ]]; then
  printf 'refused: these ports are open to others and not named: %s\n' "${cut[*]}" >&2
  for port in "${cut[@]}"; do printf '  %s %s\n' "$port" "${open[$port]}" >&2; done
  printf 'VIGIA_FIELD would_cut_off=%s\n' "${cut[*]}"
  exit 6
fi
printf 'VIGIA_FIELD would_cut_off=%s\n' "${cut[*]:-}"
printf 'VIGIA_FIELD firewall=%s\n' "$tool"
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  printf 'would switch %s on\n' "$tool"
  exit 0
fi

if [[ $tool == ufw ]]; then
  ufw default allow outgoing && ufw default deny incoming || exit 1
  for port in "${!named[@]}"; do ufw allow "$port/tcp" || exit 1; done
  ufw --force enable || exit 1
  [[ $(ufw status) == 'Status: active'* ]] || exit 1
else
  # Rules first, into what firewalld reads when it starts.
  for port in "${!named[@]}"; do firewall-offline-cmd --add-port="$port/tcp" >/dev/null || exit 1; done
  systemctl enable --now firewalld.service || exit 1
  [[ $(firewall-cmd --state 2>&1) == running ]] || exit 1
fi
echo 'the firewall is on'
