# Empties the caches of the resolver. Exit codes: 0 emptied, 1 it failed.
set -u
export LC_ALL=C
dscacheutil -flushcache || exit 1
killall -HUP mDNSResponder || exit 1
echo 'VIGIA_FIELD flushed=mDNSResponder'
echo 'the caches are empty'
