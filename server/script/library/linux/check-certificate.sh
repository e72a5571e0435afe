# Reads the certificate at VIGIA_PARAM_TARGET, HOST:PORT or an absolute path. Exit codes: 0 read, 1 none could be read, 2 the
# target is refused, 3 openssl is missing.
set -u
export LC_ALL=C
target=${VIGIA_PARAM_TARGET:?no target given}
command -v openssl >/dev/null || {
  echo 'this needs openssl' >&2
  exit 3
}
if [[ $target == /* ]]; then
  [[ -f $target ]] || {
    echo 'refused: there is no such file' >&2
    exit 2
  }
  certificate=$(openssl x509 -in "$target" 2>/dev/null)
elif [[ $target =~ ^([A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})$ ]]; then
  host=${BASH_REMATCH[1]}
  name=(-servername "$host")
  [[ ! $host =~ ^[0-9.]+$|^\[ ]] || name=(-noservername)
  certificate=$(timeout 15 openssl s_client -connect "$target" "${name[@]}" </dev/null 2>/dev/null | openssl x509 2>/dev/null)
else
  echo 'refused: neither HOST:PORT nor an absolute path' >&2
  exit 2
fi
if [[ -z $certificate ]]; then
  echo 'no certificate could be read there' >&2
  exit 1
fi
openssl x509 -noout -subject -issuer -dates -ext subjectAltName <<<"$certificate" 2>/dev/null | cat -v
end=$(openssl x509 -noout -enddate <<<"$certificate")
days=$((($(date -d "${end#notAfter=}" +%s) - $(date +%s)) / 86400))
printf 'VIGIA_FIELD days_left=%d\n' "$days"
printf 'VIGIA_FIELD ends=%s\n' "${end#notAfter=}"
printf 'VIGIA_FIELD subject=%s\n' "$(openssl x509 -noout -subject <<<"$certificate" | cut -d = -f 2- | cat -v)"
printf 'VIGIA_FIELD issuer=%s\n' "$(openssl x509 -noout -issuer <<<"$certificate" | cut -d = -f 2- | cat -v)"
