# Renews the certificate VIGIA_PARAM_CERTIFICATE by certbot. Exit codes: 0 renewed, 1 certbot failed or it is no younger, 2 the
# name is refused, 3 certbot or openssl is missing, 4 certbot looks after none of that name, 5 it is not due.
set -u
export LC_ALL=C
name=${VIGIA_PARAM_CERTIFICATE:?no certificate given}
[[ $name =~ ^[A-Za-z0-9*][A-Za-z0-9.*_-]{0,252}$ && $name != *..* ]] || {
  echo 'refused: not a name of a certificate' >&2
  exit 2
}
command -v certbot >/dev/null && command -v openssl >/dev/null || {
  echo 'this needs certbot and openssl' >&2
  exit 3
}
if [[ ! -f /etc/letsencrypt/renewal/$name.conf ]]; then
  printf 'certbot looks after no certificate %s\n' "$name" >&2
  exit 4
fi
file=/etc/letsencrypt/live/$name/cert.pem
days_left() {
  local end
  end=$(openssl x509 -noout -enddate -in "$file" 2>/dev/null) || return 1
  printf '%d' "$((($(date -d "${end#notAfter=}" +%s) - $(date +%s)) / 86400))"
}
before=$(days_left)
printf 'VIGIA_FIELD days_before=%s\n' "$before"
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  certbot renew --cert-name "$name" --non-interactive --no-random-sleep-on-renew --dry-run </dev/null || exit 1
  exit 0
fi
certbot renew --cert-name "$name" --non-interactive --no-random-sleep-on-renew </dev/null || exit 1
after=$(days_left) || exit 1
printf 'VIGIA_FIELD days_left=%d\n' "$after"
if ((after <= ${before:-0})); then
  if ((after > 30)); then
    printf 'it is not due yet: %d days left\n' "$after" >&2
    exit 5
  fi
  printf 'it was not renewed: %d days left\n' "$after" >&2
  exit 1
fi
printf 'renewed: %d days left\n' "$after"
