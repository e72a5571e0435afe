# Synchronises the clock. Exit codes: 0 set, 1 the server did not answer, 4 no time server is set.
set -u
export LC_ALL=C
server=$(systemsetup -getnetworktimeserver 2>/dev/null | sed -n 's/^Network Time Server: //p')
case $server in
  '' | *[!A-Za-z0-9.:_-]* | -*)
    echo 'no time server is set' >&2
    exit 4
    ;;
esac
echo "VIGIA_FIELD source=$server"
answer=$(sntp -sS "$server" 2>&1) || {
  echo "$server did not answer: $answer" >&2
  exit 1
}
echo "$answer"
# "+0.012345 +/- 0.006789 time.apple.com 17.253.84.125"
echo "VIGIA_FIELD offset_seconds=$(echo "$answer" | sed -n 's/^\([+-][0-9.]*\) .*/\1/p' | tail -n 1)"
