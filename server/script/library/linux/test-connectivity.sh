# Tests the way to VIGIA_PARAM_HOST. Exit codes: 0 all that was asked works, 1 a step failed, 2 the host is refused.
set -u
export LC_ALL=C
host=${VIGIA_PARAM_HOST:?no host given}
port=${VIGIA_PARAM_PORT:?no port given}
[[ $host =~ ^[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$ && $port =~ ^[0-9]{1,5}$ ]] || {
  echo 'refused: not a host' >&2
  exit 2
}
failed=''

resolved=$(getent ahosts "$host" | awk '$2 == "STREAM" { print $1; exit }')
if [[ -n $resolved ]]; then
  printf 'name: %s is %s\n' "$host" "$resolved"
else
  printf 'name: %s cannot be resolved\n' "$host"
  failed="$failed name"
fi
printf 'VIGIA_FIELD address=%s\n' "$resolved"

# Many hosts do not answer a ping: it informs and fails nothing by itself.
if [[ -n $resolved ]] && command -v ping >/dev/null; then
  answer=$(ping -n -c 3 -W 2 -- "$resolved" 2>&1 | tail -n 2)
  printf 'ping: %s\n' "$answer"
  [[ $answer =~ ([0-9.]+)%\ packet\ loss ]] && printf 'VIGIA_FIELD loss_percent=%s\n' "${BASH_REMATCH[1]}"
  [[ $answer =~ =\ [0-9.]+/([0-9.]+)/ ]] && printf 'VIGIA_FIELD ping_ms=%s\n' "${BASH_REMATCH[1]}"
fi

if ((port > 0)) && [[ -n $resolved ]]; then
  began=$(date +%s%N)
  # Host and port are handed over as words, not as text of the inner shell.
  if timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$resolved" "$port" 2>/dev/null; then
    took=$((($(date +%s%N) - began) / 1000000))
    printf 'tcp: port %d answers after %d ms\n' "$port" "$took"
    printf 'VIGIA_FIELD tcp_ms=%d\n' "$took"
  else
    printf 'tcp: port %d does not answer\n' "$port"
    failed="$failed tcp"
  fi
fi

if [[ ${VIGIA_PARAM_TLS:-false} == true && -n $resolved ]]; then
  target=$host
  [[ $host != *:* ]] || target="[$host]"
  name=(-servername "$host")
  [[ ! $host =~ ^[0-9.]+$|: ]] || name=(-noservername)
  session=$(timeout 10 openssl s_client -connect "$target:$port" "${name[@]}" -verify_return_error </dev/null 2>&1)
  verdict=$(sed -n 's/^ *Verify return code: //p' <<<"$session" | tail -n 1)
  [[ -n $verdict ]] || verdict=$(sed -n 's/^verify error:num=[0-9]*://p' <<<"$session" | tail -n 1)
  printf 'tls: %s\n' "${verdict:-no handshake}"
  printf 'VIGIA_FIELD tls=%s\n' "${verdict:-no handshake}"
  [[ $verdict == '0 (ok)' ]] || failed="$failed tls"
  certificate=$(timeout 10 openssl s_client -connect "$target:$port" "${name[@]}" </dev/null 2>/dev/null)
  if end=$(openssl x509 -noout -enddate <<<"$certificate" 2>/dev/null); then
    days=$((($(date -d "${end#notAfter=}" +%s) - $(date +%s)) / 86400))
    printf 'certificate: ends %s, %d days\n' "${end#notAfter=}" "$days"
    printf 'VIGIA_FIELD certificate_days=%d\n' "$days"
  fi
fi

if [[ ${VIGIA_PARAM_TRACE:-false} == true && -n $resolved ]]; then
  if command -v traceroute >/dev/null; then
    timeout 60 traceroute -n -q 1 -w 2 -m 20 -- "$resolved"
  elif command -v tracepath >/dev/null; then
    timeout 60 tracepath -n -m 20 "$resolved"
  else
    echo 'trace: neither traceroute nor tracepath is here'
  fi
fi

printf 'VIGIA_FIELD failed=%s\n' "${failed# }"
[[ -z $failed ]]
