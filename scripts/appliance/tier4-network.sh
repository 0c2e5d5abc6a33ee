#!/bin/bash
# three machines as a network: upload to one, read from all; hard kill of one, changes, return, identical
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2016
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/machine.sh"
need 'three machines in containers' mmdebstrap systemd-nspawn ip curl unshare

deb=$(deb_of "$(dpkg --print-architecture)") || { not_ok 'the package is built' && finish; }
network_up || { skip 'three machines: no network namespace can be made here' && finish; }
names=(a b c)
declare -A at=([a]=10.77.0.1 [b]=10.77.0.2 [c]=10.77.0.3)
began=$SECONDS
for name in "${names[@]}"; do
  make_machine "$name" || { not_ok 'the machines are made' && finish; }
  disk=$work/machines/$name
  # As people do it: the others' addresses, and the key that the first board made.
  printf '%s\n' 10.77.0.1 10.77.0.2 10.77.0.3 | grep -vx "${at[$name]}" >>"$disk/etc/cloudroid/PEERS.txt"
  if [ "$name" != a ]; then
    wait_for 60 test -s "$work/machines/a/var/lib/cloudroid/network.key"
    cp -p "$work/machines/a/var/lib/cloudroid/network.key" "$disk/var/lib/cloudroid/network.key"
  fi
  start_machine "$name" "${at[$name]}" || { skip 'systemd-nspawn does not start here' && finish; }
done
for name in "${names[@]}"; do check "$name answers" wait_for 60 greets "${at[$name]}"; done
[ $failures = 0 ] || { tail -n 30 "$work"/*.console && finish; }
in_step() { [ "$(inside "$1" cloudroid peers | grep -c 'in step')" = 2 ]; }
for name in "${names[@]}"; do check "$name sees the two others in step" wait_for 60 in_step "$name"; done
[ $failures = 0 ] || { inside a cloudroid status && inside a journalctl -u 'cloudroid-*' --no-pager | tail -n 20 && finish; }
ok "seconds until the three are one network: $((SECONDS - began))"

url() { echo "ftp://guest:guest@${at[$1]}:6000"; }
head -c 20000000 /dev/urandom >"$work/big.bin"
said=$(client curl -sSv --max-time 60 -T "$work/big.bin" "$(url a)/big.bin" 2>&1 | tr -d '\r' | grep '< 226')
check "the reply tells on how many members it is: $said" grep -q '3 members\|all 3' <<<"$said"
if command -v lftp >/dev/null; then
  mkdir -p "$work/tree/one/two" && for i in {1..30}; do echo "file $i" >"$work/tree/one/two/$i.txt"; done
  check 'lftp mirrors a folder to b' client timeout 60 lftp -e "set ftp:ssl-allow no; set net:max-retries 2; mirror -R $work/tree tree; quit" "$(url b)"
else
  skip 'lftp mirrors a folder to b: lftp is missing here'
fi
for name in "${names[@]}"; do
  check "the file is read from $name" sh -c "ip netns exec $net curl -sS --max-time 60 $(url "$name")/big.bin | cmp - '$work/big.bin'"
  [ ! -e "$work/tree" ] || check "the folder is read from $name" sh -c "test \"\$(ip netns exec $net curl -sS --max-time 20 $(url "$name")/tree/one/two/30.txt)\" = 'file 30'"
done

# Accounts are the network's.
printf 'secret-word\n' >"$work/word"
check 'an account made on c' sh -c "nsenter -t ${machine_pid[c]} -m -u -i -n -p env PATH=/usr/bin:/bin cloudroid users add anna --password-stdin <'$work/word'"
anna="ftp://anna:secret-word@"
login() { client curl -sS --max-time 10 "$anna${at[$1]}:6000/" -o "$work/listing"; }
for name in "${names[@]}"; do check "anna logs in on $name" wait_for 20 login "$name"; done
if client curl -sS --max-time 10 "$(url a)/" >/dev/null 2>&1; then not_ok 'guest is out on a'; else ok 'guest is out on a'; fi
aurl() { echo "$anna${at[$1]}:6000"; }

# One loses its power; the others go on, changing what it has.
kill_machine b
echo new >"$work/new.txt"
check 'the others go on storing' client curl -sS --max-time 60 -T "$work/new.txt" "$(aurl a)/new.txt"
check 'replacing' client curl -sS --max-time 60 -T "$work/new.txt" "$(aurl c)/big.bin"
check 'renaming' client curl -sS --max-time 60 -Q 'RNFR /tree/one' -Q 'RNTO /tree/uno' "$(aurl c)/" -o /dev/null
check 'deleting' client curl -sS --max-time 60 -Q 'DELE /tree/uno/two/7.txt' "$(aurl a)/" -o /dev/null
start_machine b "${at[b]}"
check 'b is back' wait_for 60 greets "${at[b]}"
for name in "${names[@]}"; do check "$name sees the two others in step again" wait_for 90 in_step "$name"; done
sums() { (cd "$work/machines/$1/srv/cloudroid/files" && find . -path ./.cloudroid -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
alike() { [ -n "$(sums a)" ] && [ "$(sums a)" = "$(sums b)" ] && [ "$(sums b)" = "$(sums c)" ]; }
check 'all three disks hold the same files' wait_for 60 alike
check 'the renamed folder is there with what was not deleted' test "$(sums b | grep -c '/tree/uno/two/')" = 29
check 'sweep --once finds nothing to do' inside b cloudroid sweep --once
# An update where there are accounts, and peers that hold what it tries.
new=$(deb_of "$(dpkg --print-architecture)" 99.0.0) && cp "$new" "$work/machines/a/root/new.deb"
check 'a is updated' inside a cloudroid update /root/new.deb
check 'a sees the two others in step after it' wait_for 60 in_step a
check 'nothing of its trial is left, on any disk' test -z "$(find "$work"/machines/*/srv/cloudroid/files -maxdepth 1 -name 'update-check*')"
check 'and no account of it' test "$(inside b cloudroid users list | grep -c update-check)" = 0
for name in "${names[@]}"; do check "$name powers off" power_off "$name"; done
finish
