#!/bin/bash
# one machine booted by systemd-nspawn: start, stop, drain, reload, watchdog, crashes, order, sandbox, updates, power off
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2016
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/machine.sh"
need 'a machine in a container' mmdebstrap systemd-nspawn ip curl unshare

deb=$(deb_of "$(dpkg --print-architecture)") || { not_ok 'the package is built' && finish; }
network_up || { skip 'a machine in a container: no network namespace can be made here' && finish; }
make_machine one || { not_ok 'a machine is made' && finish; }
at=10.77.0.1
began=$(date +%s%N)
start_machine one $at || { skip 'systemd-nspawn does not start here' && finish; }
units=(cloudroid-ftp cloudroid-proxy cloudroid-sweep)
url=ftp://guest:guest@$at:6000

check 'it boots to 220 on port 6000' wait_for 60 greets $at
[ $failures = 0 ] || { tail -n 40 "$work/one.console" && finish; }
ok "seconds from power on to 220: $(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $began) / 1e9 }")"
for unit in "${units[@]}"; do check "$unit is active" wait_for 30 active one "$unit"; done
running() { for unit in "${units[@]}"; do active one "$unit" || return 1; done; }

echo 'hello' >"$work/hello.txt"
check 'a file goes in' client curl -sS --max-time 20 -T "$work/hello.txt" $url/
check 'and comes out' test "$(client curl -sS --max-time 20 $url/hello.txt)" = hello
check 'it lies in /srv/cloudroid/files as a plain file' test "$(cat "$work/machines/one/srv/cloudroid/files/hello.txt")" = hello

# Users and first-boot files.
for unit in "${units[@]}"; do
  check "$unit runs as cloudroid" test "$(inside one ps -o user= -p "$(main_pid one "$unit")")" = cloudroid
done
mode() { inside one stat -c %a:%U "$1"; }
check 'the network key was made, for nobody else to read' test "$(mode /var/lib/cloudroid/network.key)" = 600:cloudroid
check 'the member has an identity' inside one grep -q one- /var/lib/cloudroid/member.json
check 'the certificate was made' inside one sh -c 'ls /var/lib/cloudroid/tls/*'
check 'status as root tells the member' sh -c "echo '$(inside one cloudroid status)' | grep -q 'one'"
check 'and leaves no file of root behind' test -z "$(inside one find /var/lib/cloudroid /srv/cloudroid -not -user cloudroid)"
check 'sweep runs at idle priority' inside one sh -c "chrt -p $(main_pid one cloudroid-sweep) | grep -q SCHED_IDLE"

# Memory at rest.
pss=0
for unit in "${units[@]}"; do
  kib=$(inside one awk '/^Pss:/ {print $2}' "/proc/$(main_pid one "$unit")/smaps_rollup")
  echo "   $unit: $((kib / 1024)) MB PSS"
  pss=$((pss + kib))
done
ok "memory of the three at rest: $((pss / 1024)) MB PSS"

# Sandbox: what a program inside the gateway's own namespaces, with its user, could write.
pid=$(main_pid one cloudroid-proxy)
as_proxy() { inside one nsenter -t "$pid" -m -S "$(inside one id -u cloudroid)" -G "$(inside one id -g cloudroid)" "$@"; }
for place in /etc/evil /etc/cloudroid/evil /usr/lib/cloudroid/evil /boot/evil /root/evil /var/lib/evil /var/log/evil /home/evil /dev/evil /run/evil /srv/evil; do
  if as_proxy sh -c "echo x > $place" 2>/dev/null; then not_ok "the gateway cannot write $place"; else ok "the gateway cannot write $place"; fi
done
as_root_in_proxy() { inside one nsenter -t "$pid" -m "$@"; }
for place in /etc /usr /var/lib/dpkg; do
  if as_root_in_proxy touch $place/evil 2>/dev/null; then not_ok "not even root in there could write $place"; else ok "not even root in there could write $place"; fi
done
check 'it can write where its files are' as_proxy sh -c 'echo x > /srv/cloudroid/probe && rm /srv/cloudroid/probe && echo x > /var/lib/cloudroid/probe && rm /var/lib/cloudroid/probe'

# Independence and order.
before=$(main_pid one cloudroid-proxy)
inside one systemctl restart cloudroid-ftp
check 'the gateway stays up when the storage server restarts' test "$(main_pid one cloudroid-proxy)" = "$before"
check 'and serves again' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"
before=$(main_pid one cloudroid-ftp)
inside one systemctl restart cloudroid-proxy
check 'the storage server stays up when the gateway restarts' test "$(main_pid one cloudroid-ftp)" = "$before"
inside one systemctl stop cloudroid.target
inactive() { ! active one "$1"; }
for unit in "${units[@]}"; do check "systemctl stop cloudroid.target stops $unit" wait_for 30 inactive "$unit"; done
last=$(inside one journalctl -u 'cloudroid-*' --no-pager | grep -o 'Stopped cloudroid-[a-z]*' | tail -n 1)
check 'the storage server stops last' test "$last" = 'Stopped cloudroid-ftp'
inside one systemctl start cloudroid.target
check 'systemctl start cloudroid.target starts all' wait_for 30 running

# Drained: what can be ended in time is ended.
head -c 4000000 /dev/urandom >"$work/drained"
client curl -sS --max-time 40 --limit-rate 1M -T "$work/drained" $url/drained.bin &
slow=$!
sleep 1.5
check 'the gateway stops while an upload runs' inside one systemctl stop cloudroid-proxy
check 'the upload was finished before' wait "$slow"
inside one systemctl start cloudroid-proxy
check 'and nothing of it is missing' wait_for 20 sh -c "ip netns exec $net curl -sS --max-time 20 $url/drained.bin | cmp - '$work/drained'"

# Reload: PEERS.txt edited is taken up.
pids=$(for unit in "${units[@]}"; do main_pid one "$unit"; done)
echo '10.77.0.9' >>"$work/machines/one/etc/cloudroid/PEERS.txt"
for unit in "${units[@]}"; do check "systemctl reload $unit" inside one systemctl reload "$unit"; done
check 'a line added to PEERS.txt is taken up' wait_for 20 sh -c "nsenter -t ${machine_pid[one]} -m -u -i -n -p cloudroid status | grep -q 10.77.0.9"
check 'without a restart' test "$pids" = "$(for unit in "${units[@]}"; do main_pid one "$unit"; done)"
check 'cloudroid peers remove edits it' inside one cloudroid peers remove 10.77.0.9
check 'and PEERS.txt still belongs to cloudroid' test "$(mode /etc/cloudroid/PEERS.txt)" = 644:cloudroid

# Crashes.
for unit in "${units[@]}"; do
  before=$(main_pid one "$unit")
  inside one kill -SEGV "$before"
  back() { active one "$unit" && [ "$(main_pid one "$unit")" != "$before" ] && [ "$(main_pid one "$unit")" != 0 ]; }
  check "$unit is back after a crash" wait_for 30 back
done
check 'clients are served after the crashes' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"

# Watchdog: a gateway that hangs is killed and back.
before=$(main_pid one cloudroid-proxy)
unit=cloudroid-proxy
inside one kill -STOP "$before"
check 'a hung gateway is killed by the watchdog and back' wait_for 75 back
check 'the journal says why' inside one sh -c 'journalctl -u cloudroid-proxy --no-pager | grep -qi "watchdog timeout"'
check 'and clients are served' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"

# A wrong configuration is told and not tried for ever.
echo '{"listen": "nonsense"}' >"$work/machines/one/tmp-config" && mkdir -p "$work/machines/one/etc/cloudroid/cloudroid.json.d"
mv "$work/machines/one/tmp-config" "$work/machines/one/etc/cloudroid/cloudroid.json.d/99-wrong.json"
inside one systemctl restart cloudroid-proxy 2>/dev/null
sleep 4
check 'a wrong configuration ends with 78' test "$(inside one systemctl show -p ExecMainStatus --value cloudroid-proxy)" = 78
check 'and is not tried again' test "$(inside one systemctl show -p NRestarts --value cloudroid-proxy):$(inside one systemctl show -p ActiveState --value cloudroid-proxy)" = 0:failed
check 'the journal names the file and the setting' inside one sh -c 'journalctl -u cloudroid-proxy --no-pager | grep -q "listen.*99-wrong.json"'
rm "$work/machines/one/etc/cloudroid/cloudroid.json.d/99-wrong.json"
inside one systemctl start cloudroid-proxy
check 'mended, it starts' wait_for 30 greets $at

# Updates: a good one; one whose gateway does not start is taken back.
disk=$work/machines/one
# Somebody has changed the settings by hand.
sed -i 's/}/, "log-level": "debug" }/' "$disk/etc/cloudroid/cloudroid.json"
new=$(deb_of "$(dpkg --print-architecture)" 99.0.0) && cp "$new" "$disk/root/new.deb"
check 'cloudroid update installs a newer version' inside one cloudroid update /root/new.deb
check 'all run after it' wait_for 30 running
check 'it is the new version' test "$(inside one cloudroid --version)" = 99.0.0
check 'with the files' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"
if inside one cloudroid update /root/new.deb >/dev/null 2>&1; then not_ok 'the same version again is refused'; else ok 'the same version again is refused'; fi
head -c 100000 "$new" >"$disk/root/cut.deb"
if inside one cloudroid update /root/cut.deb >/dev/null 2>&1; then not_ok 'half a package is refused'; else ok 'half a package is refused'; fi
mkdir "$work/bad" && dpkg-deb -R "$new" "$work/bad/tree"
sed -i 's/^Version: .*/Version: 99.1.0/' "$work/bad/tree/DEBIAN/control"
echo 'throw new Error("a version that is broken");' >"$(echo "$work"/bad/tree/usr/lib/cloudroid/dist/proxy-*.js)"
dpkg-deb --root-owner-group -Zgzip -z1 -b "$work/bad/tree" "$disk/root/bad.deb" >/dev/null
said=$(inside one cloudroid update /root/bad.deb 2>&1)
status=$?
check 'an update with which the gateway does not start fails' test $status != 0
check 'and says that it was taken back' grep -q 'taken back: version 99.0.0 runs again, which is well' <<<"$said"
check 'the version before it is back' test "$(inside one cloudroid --version)" = 99.0.0
check 'all run again' wait_for 30 running
check 'with the files, still' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"
newest=$(deb_of "$(dpkg --print-architecture)" 99.2.0) && cp "$newest" "$disk/root/newest.deb"
check 'after that a good one installs' inside one cloudroid update /root/newest.deb
check 'and the settings are those of their owner, through all of it' grep -q debug "$disk/etc/cloudroid/cloudroid.json"
# The way of who knows nothing of that: dpkg alone, while all runs.
sleep 1.1
mark=$(inside one date +%s)
check 'dpkg -i alone upgrades the running machine' inside one dpkg -i /root/new.deb
check 'all run after it' wait_for 30 running
check 'with the files' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"
steps=$(inside one journalctl --since "@$mark" -u 'cloudroid-*' --no-pager -o cat | grep -oE '^(Stopped|Started) cloudroid-(ftp|proxy|sweep)' | tr '\n' ' ')
check "the storage server stopped last and started first: $steps" sh -c "echo '$steps' | grep -qE '^(Stopped cloudroid-(proxy|sweep) ){2}Stopped cloudroid-ftp Started cloudroid-ftp (Started cloudroid-(proxy|sweep) ){2}$'"
# The plug is pulled in the middle of an update.
installing() { [ "$(grep -c 'Installing version 99.1.0' "$disk/var/log/cloudroid-update.log")" -gt "$installed" ]; }
installed=$(grep -c 'Installing version 99.1.0' "$disk/var/log/cloudroid-update.log")
inside one cloudroid update /root/bad.deb >/dev/null 2>&1 &
cut=$!
check 'an update has begun to install' wait_for 60 installing
sleep 1.5
kill_machine one
wait "$cut" 2>/dev/null
echo "   at that moment dpkg had it as: $(sed -n '/^Package: cloudroid$/,/^$/s/^Status: //p' "$disk/var/lib/dpkg/status")"
start_machine one $at
check 'it boots after the plug was pulled in an update' wait_for 120 greets $at
check 'the version before it is back' test "$(inside one cloudroid --version)" = 99.0.0
check 'and configured' inside one sh -c 'dpkg -s cloudroid | grep -q "^Status: install ok installed"'
check 'all run' wait_for 30 running
check 'with the files, even so' wait_for 20 sh -c "test \"\$(ip netns exec $net curl -sS --max-time 5 $url/hello.txt)\" = hello"
check 'the settings are still those of their owner' grep -q debug "$disk/etc/cloudroid/cloudroid.json"
check 'nothing of it is left' test -z "$(inside one sh -c 'ls /etc/systemd/system /etc/systemd/system/*.wants /srv/cloudroid/files | grep update-')"
check 'doctor finds no problem' wait_for 15 inside one cloudroid doctor

# Power off in the middle of an upload that takes longer than the gateway waits for transfers.
head -c 40000000 /dev/urandom >"$work/big"
head -c 3000000 /dev/urandom >"$work/old"
check 'a file that is then replaced' client curl -sS --max-time 20 -T "$work/old" $url/kept.bin
client curl -sS --limit-rate 400k -T "$work/big" $url/kept.bin >/dev/null 2>&1 &
slow=$!
client curl -sS --limit-rate 400k -T "$work/big" $url/new.bin >/dev/null 2>&1 &
slow2=$!
sleep 4
check 'it powers off in the middle of an upload' power_off one
wait "$slow" "$slow2" 2>/dev/null
check 'nothing of half a file is seen on the disk' test ! -e "$work/machines/one/srv/cloudroid/files/new.bin"
start_machine one $at
check 'it boots again' wait_for 60 greets $at
check 'the file that was being replaced is the old one' sh -c "ip netns exec $net curl -sS --max-time 20 $url/kept.bin | cmp - '$work/old'"
if client curl -sS --max-time 20 $url/new.bin >/dev/null 2>&1; then not_ok 'the half file is not there'; else ok 'the half file is not there'; fi
check 'status says that all is well' sh -c "! nsenter -t ${machine_pid[one]} -m -u -i -n -p cloudroid status | grep -i 'read-only\|damaged'"

# Pulled plug.
check 'a file is acknowledged' client curl -sS --max-time 20 -T "$work/old" $url/plug.bin
kill_machine one
start_machine one $at
check 'it boots after the plug was pulled' wait_for 60 greets $at
check 'what was acknowledged is there' sh -c "ip netns exec $net curl -sS --max-time 20 $url/plug.bin | cmp - '$work/old'"
check 'it powers off cleanly' power_off one
finish
