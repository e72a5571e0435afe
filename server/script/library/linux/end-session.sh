# Ends the session VIGIA_PARAM_SESSION of VIGIA_PARAM_USER. Exit codes: 0 ended, 1 it could not be, 2 a value is refused or the
# session is another person's, 3 loginctl is missing, 5 there is no such session.
set -u
export LC_ALL=C
session=${VIGIA_PARAM_SESSION:?no session given}
user=${VIGIA_PARAM_USER:?no user given}
[[ $session =~ ^[A-Za-z0-9]{1,16}$ && $user =~ ^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$ ]] || {
  echo 'refused: not a session, or not a user' >&2
  exit 2
}
command -v loginctl >/dev/null || {
  echo 'this needs loginctl' >&2
  exit 3
}
owner=$(loginctl show-session --property=Name --value -- "$session" 2>/dev/null)
if [[ -z $owner ]]; then
  printf 'there is no session %s\n' "$session" >&2
  exit 5
fi
if [[ $owner != "$user" ]]; then
  printf 'refused: session %s is not of %s\n' "$session" "$user" >&2
  exit 2
fi
loginctl show-session --property=Name,Type,Remote,RemoteHost,State -- "$session" 2>/dev/null | cat -v
if [[ ${VIGIA_DRY_RUN:-} == 1 ]]; then
  echo 'would end it'
  exit 0
fi
loginctl terminate-session -- "$session" || exit 1
echo 'it is ended'
