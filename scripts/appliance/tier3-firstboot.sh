#!/bin/bash
# first boot in systemd-nspawn: cloudroid.txt taken over, wrong values told, a data disk that is absent, unique names
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2016
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/machine.sh"
need 'a first boot in a container' mmdebstrap systemd-nspawn ip curl unshare

deb=$(deb_of "$(dpkg --print-architecture)") || { not_ok 'the package is built' && finish; }
network_up || { skip 'a first boot in a container: no network namespace can be made here' && finish; }

# As the image is, but for its partitions: the card's FAT is a plain folder here.
make_board() {
  make_machine "$1" || return 1
  cp -r --no-preserve=ownership,timestamps "$root/image/overlay/." "$work/machines/$1/"
  rm -f "$work/machines/$1/etc/fstab"
  rm -f "$work/machines/$1/etc/systemd/system/local-fs.target.wants/cloudroid-grow-root.service"
  echo cloudroid >"$work/machines/$1/etc/hostname"
  mkdir -p "$work/machines/$1/boot/cloudroid"
  cp "$root/image/boot-partition/"* "$work/machines/$1/boot/cloudroid/"
}
for name in one two; do make_board $name || { not_ok 'boards are made' && finish; }; done
one=$work/machines/one two=$work/machines/two
key="cloudroid-network-key-1 $(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')"
printf '%s\r\n' 'Hostname = cellar' 'peers = 10.77.0.2' "network-key = $key" 'guest = read-only' 'timezone = Mars' 'data-disk = LABEL=NONE-SUCH' >"$one/boot/cloudroid/cloudroid.txt"
start_machine one 10.77.0.1 || { skip 'systemd-nspawn does not start here' && finish; }
start_machine two 10.77.0.2 || { skip 'systemd-nspawn does not start here' && finish; }
check 'it boots to 220 on port 6000, its disk absent' wait_for 90 greets 10.77.0.1
check 'one without settings boots too' wait_for 90 greets 10.77.0.2
[ $failures = 0 ] || { tail -n 40 "$work/one.console" && inside one journalctl -b --no-pager -u 'cloudroid*' | tail -n 60 && finish; }

check 'setup ended well' test "$(inside one systemctl show -p Result --value cloudroid-setup)" = success
check 'setup refused nothing of its own sandbox' test "$(inside one journalctl --no-pager -u cloudroid-setup | grep -cE 'EPERM|EROFS|EACCES|failed')" = 0
check 'the hostname is that of cloudroid.txt' test "$(inside one hostname)" = cellar
check 'the member is called so' inside one sh -c 'cat /var/lib/cloudroid/member.json | grep -q cellar-'
check 'a board that nobody named is called cloudroid-xxxx' sh -c "echo '$(inside two hostname)' | grep -qE '^cloudroid-[0-9a-f]{4}$'"
check 'peers are in PEERS.txt' grep -q '^10.77.0.2$' "$one/etc/cloudroid/PEERS.txt"
check 'PEERS.txt belongs to cloudroid' test "$(inside one stat -c %U /etc/cloudroid/PEERS.txt)" = cloudroid
check 'the network key is in place, for nobody else to read' sh -c "grep -q '^$key$' '$one/var/lib/cloudroid/network.key' && test '$(inside one stat -c %a:%U /var/lib/cloudroid/network.key)' = 600:cloudroid"
check 'and gone from the card' sh -c "! grep -q '$key' '$one/boot/cloudroid/cloudroid.txt'"
check 'the wrong time zone is told on the card' grep -q 'timezone = Mars' "$one/boot/cloudroid/cloudroid-errors.txt"
check 'and nothing else' test "$(grep -c Expected "$one/boot/cloudroid/cloudroid-errors.txt")" = 1
check 'the absent disk is required' grep -q /srv/cloudroid "$one/etc/cloudroid/cloudroid.json.d/50-cloudroid-txt.json"
check 'no volume was begun on the card instead' test ! -e "$one/srv/cloudroid/files/.cloudroid/store.json"
check 'where there is no disk to wait for, one was' test -e "$two/srv/cloudroid/files/.cloudroid/store.json"
check 'the units were made right' inside one systemctl cat srv-cloudroid.mount
check 'host keys are made at first boot' sh -c "[ ! -x '$one/usr/bin/ssh-keygen' ] || [ -s '$one/etc/ssh/ssh_host_ed25519_key' ]"
check 'no state of root is left behind' test -z "$(inside one find /var/lib/cloudroid -not -user cloudroid)"

# Guest, on the board that has its card.
inside two sh -c 'printf "guest = read-only\nshow-network-key = yes\n" >/boot/cloudroid/cloudroid.txt && systemctl restart cloudroid-setup && systemctl start cloudroid-accounts'
check 'the key is on the card for the next board' grep -q 'network-key = cloudroid-network-key-1' "$two/boot/cloudroid/network-key.txt"
echo hello >"$work/hello.txt"
refused() { ! client curl -sS --max-time 10 -T "$work/hello.txt" ftp://guest:guest@10.77.0.2:6000/ 2>/dev/null; }
check 'guest may only read after guest = read-only' wait_for 40 refused
check 'but read' client curl -sS --max-time 10 ftp://guest:guest@10.77.0.2:6000/
power_off two >/dev/null
start_machine two 10.77.0.2
check 'it starts again' wait_for 90 greets 10.77.0.2
check 'the key left the card' test ! -e "$two/boot/cloudroid/network-key.txt"
finish
