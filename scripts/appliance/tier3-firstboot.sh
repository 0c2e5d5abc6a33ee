#!/bin/bash
# first boot in systemd-nspawn: cloudroid.txt taken over, wrong values told, a data disk that is absent, unique names, mDNS, firewall
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2154,SC2317
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/machine.sh"
need 'a first boot in a container' mmdebstrap systemd-nspawn ip curl unshare python3

deb=$(deb_of "$(dpkg --print-architecture)") || { not_ok 'the package is built' && finish; }
network_up || { skip 'a first boot in a container: no network namespace can be made here' && finish; }

eval "$(grep '^own_units=' "$root/image/lib.sh")"
machine_packages+=,systemd-resolved,nftables,openssh-server
# As the image is, but for its partitions: the card's FAT is a plain folder here, and nothing grows.
make_board() {
  make_machine "$1" || return 1
  cp -r --no-preserve=ownership,timestamps "$root/image/overlay/." "$work/machines/$1/"
  rm -f "$work/machines/$1/etc/fstab" "$work/machines/$1/etc/ssh/ssh_host_"*
  chroot "$work/machines/$1" systemctl enable "${own_units[@]}" nftables.service ssh.service systemd-resolved.service >/dev/null 2>&1
  chroot "$work/machines/$1" systemctl disable cloudroid-grow-root.service >/dev/null 2>&1
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
check 'host keys are made at first boot' wait_for 30 test -s "$one/etc/ssh/ssh_host_ed25519_key"
check 'on each board its own' sh -c "! cmp -s '$one/etc/ssh/ssh_host_ed25519_key.pub' '$two/etc/ssh/ssh_host_ed25519_key.pub'"
check 'ssh asks for a key and for nothing else' sh -c "test '$(inside one sshd -T | grep -E '^(passwordauthentication|kbdinteractiveauthentication|permitrootlogin)' | sort | tr '\n' ' ')' = 'kbdinteractiveauthentication no passwordauthentication no permitrootlogin without-password '"
check 'the journal is in memory' sh -c "nsenter -t ${machine_pid[one]} -m -u -i -n -p journalctl --header | grep -q '^File path: /run/log/journal'"
inside one systemd-cat -p warning echo 'worth keeping'
inside one systemctl start cloudroid-journal-tail-now
check 'and its warnings are kept on the card' grep -q 'worth keeping' "$one/var/log/cloudroid.journal-tail"

# What another machine of the house hears (RFC 6762): asked by multicast, answered within seconds.
cat >"$work/mdns.py" <<'PY'
import socket, struct, sys, time
name, kind, wanted = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
own = '10.77.0.254'
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('', 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('224.0.0.251') + socket.inet_aton(own))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
s.settimeout(1)
question = struct.pack('>6H', 0, 0, 1, 0, 0, 0) + b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + b'\0' + struct.pack('>2H', kind, 1)
end = time.time() + 20
while time.time() < end:
    s.sendto(question, ('224.0.0.251', 5353))
    try:
        while True:
            answer, sender = s.recvfrom(9000)
            if sender[0] != own and wanted in answer: sys.exit(0)
    except socket.timeout: pass
sys.exit(f'nobody answered {name} with {wanted!r}')
PY
hex() { printf '%s' "$1" | od -An -tx1 | tr -d ' \n'; }
check 'cellar.local has its address, by mDNS' client python3 "$work/mdns.py" cellar.local 1 0a4d0001
unnamed=$(inside two hostname)
check "$unnamed.local too" client python3 "$work/mdns.py" "$unnamed.local" 1 0a4d0002
check 'who looks for FTP finds it' client python3 "$work/mdns.py" _ftp._tcp.local 12 "$(hex 'Cloudroid on cellar')"
check 'at port 6000' client python3 "$work/mdns.py" 'Cloudroid on cellar._ftp._tcp.local' 33 "$(printf '00001770%02x' 6)$(hex cellar)"

# The firewall: a door that is not named is shut, from outside only.
inside one perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalPort => 7777, ReuseAddr => 1); while ($c = $s->accept) { print $c "hello\n"; close $c }' &
on_exit "kill $! 2>/dev/null"
knock() { timeout 3 bash -c 'exec 3<>/dev/tcp/$0/7777 && read -r line <&3 && [ "$line" = hello ]' "$1"; }
inside_knock() { inside one bash -c "$(declare -f knock); knock 127.0.0.1"; }
check 'somebody listens on port 7777' wait_for 10 inside_knock
if client bash -c "$(declare -f knock); knock 10.77.0.1" 2>/dev/null; then not_ok 'the firewall keeps others from it'; else ok 'the firewall keeps others from it'; fi
check 'and lets them in where FTP is' greets 10.77.0.1
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
