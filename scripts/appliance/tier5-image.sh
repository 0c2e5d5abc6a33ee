#!/bin/bash
# the arm64 image in QEMU through U-Boot to port 6000; --base on an arm64 image, booted likewise
# shellcheck source-path=SCRIPTDIR disable=SC2154,SC2016
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/qemu.sh"
need 'an image in QEMU' mmdebstrap qemu-system-aarch64 qemu-aarch64-static mkimage mformat sfdisk jq curl python3
[ -e /usr/lib/u-boot/qemu_arm64/u-boot.bin ] || { skip 'an image in QEMU: u-boot-qemu is missing here' && exit 0; }

deb=$(deb_of arm64) || { not_ok 'the package is built' && finish; }
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh"
on_board() { timeout 120 ssh -q -p "$ssh_port" -i "$work/ssh" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes root@127.0.0.1 "$@"; }
began=$SECONDS
if ! "$root/image/build.sh" --board qemu --quick --ssh-key "$work/ssh.pub" --deb "$deb" --output "$work/card.img" >"$work/build.log" 2>&1; then
  not_ok 'image/build.sh --board qemu builds an image' "$(tail -n 25 "$work/build.log")"
  finish
fi
ok "image/build.sh --board qemu builds an image: $((SECONDS - began)) seconds, $(du -m --apparent-size "$work/card.img" | cut -f1) MB unpacked"
grep '\] [0-9][0-9]-.*seconds' "$work/build.log" | sed 's/^/   /'
check 'its checksum fits' sh -c "cd '$work' && sha256sum -c card.sha256"
check 'the manifest names the package' grep -q '^cloudroid ' "$work/card.packages"
if command -v bmaptool >/dev/null; then check 'the block map is there' test -s "$work/card.bmap"; else skip 'the block map: bmap-tools is missing here'; fi

cp --sparse=always "$work/card.img" "$work/first.img"
cp --sparse=always "$work/card.img" "$work/second.img"
# A card is bigger than the image.
truncate -s 3G "$work/first.img"
guest=(curl -sS --max-time 60 --disable-epsv --ftp-skip-pasv-ip)

boot() {
  local began=$SECONDS
  start_card "$1"
  if wait_for_card 300; then
    ok "$2: power on to 220 in $((SECONDS - began)) seconds (emulated)"
  else
    not_ok "$2: boots to 220 on port 6000" "$(tr -d '\r' <"$work/qemu.log" | tail -n 40)"
    finish
  fi
}
url() { echo "ftp://guest:guest@127.0.0.1:$port"; }

boot "$work/first.img" 'the image, through U-Boot'
check 'U-Boot ran our script' grep -q 'Cloudroid: starting from' "$work/qemu.log"
said=$(python3 - "$port" <<'PY'
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)
s.settimeout(30)
f = s.makefile('rwb')
out = [f.readline()]
for line in (b'USER guest', b'PASS guest', b'PWD', b'NOOP', b'QUIT'):
    f.write(line + b'\r\n'); f.flush(); out.append(f.readline())
print(' '.join(o.decode()[:3] for o in out))
PY
)
check 'a dialogue as by telnet' test "$said" = '220 331 230 257 200 221'
head -c 3000000 /dev/urandom >"$work/photo.jpg"
check 'an upload by curl' "${guest[@]}" -T "$work/photo.jpg" "$(url)/photo.jpg"
check 'comes back the same' sh -c "${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
check 'root logs in by ssh with the key' wait_for 60 on_board true
# Each process by its title; smaps_rollup counts what is shared in parts.
pss=$(on_board 'for p in $(pgrep -f "^cloudroid-(ftp|proxy|sweep)"); do awk "/^Pss:/ {print \$2}" /proc/$p/smaps_rollup; done' | awk '{sum += $1} END {print int(sum / 1024)}')
if [ "${pss:-0}" -gt 0 ] && [ "$pss" -le 250 ]; then ok "memory of the three at rest: $pss MB PSS"; else not_ok 'memory of the three at rest is at most 250 MB PSS' "${pss:-nothing}"; fi
check 'doctor finds no problem' wait_for 30 on_board cloudroid doctor
check 'the firewall is up' on_board 'nft list ruleset | grep -q 6000'
check 'the board is called cloudroid-xxxx' on_board 'hostname | grep -qE "^cloudroid-[0-9a-f]{4}$"'
check 'no unit has failed' on_board 'test -z "$(systemctl --failed --no-legend | tee /dev/stderr)"'
# The plug is pulled: what was acknowledged is there.
stop_card
boot "$work/first.img" 'after the plug was pulled'
check 'the file is still there' sh -c "${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
stop_card
mnt=$(root_of "$work/first.img")
mib=$(($(stat -f -c '%b * %S' "$mnt") / 1024 / 1024))
if [ "$mib" -gt 2500 ]; then ok "the root file system has grown to its card: $mib MiB"; else not_ok 'the root file system has grown to its card' "$mib MiB"; fi
ids() { cat "$1/etc/machine-id" "$1/var/lib/cloudroid/member.json" "$1/etc/hostname" && cat "$1"/etc/ssh/ssh_host_ed25519_key.pub && cat "$1/var/lib/cloudroid/network.key"; }
ids "$mnt" >"$work/ids.first" 2>&1
check 'the first has a machine id, a member id, a name, host keys and a network key' test "$(wc -l <"$work/ids.first")" -ge 5
umount "$mnt"
boot "$work/second.img" 'a second card with the same image'
stop_card
mnt=$(root_of "$work/second.img")
ids "$mnt" >"$work/ids.second" 2>&1
umount "$mnt"
check 'the two boards share no identity, host key or network key' test -z "$(LC_ALL=C sort "$work/ids.first" >"$work/s1" && LC_ALL=C sort "$work/ids.second" >"$work/s2" && LC_ALL=C comm -12 "$work/s1" "$work/s2" | grep -v '^#' | grep .)"
rm -f "$work"/first.img "$work"/second.img

# Into an image that exists: what was built, with Cloudroid purged, is a Debian for arm64 as others publish them.
cp --sparse=always "$work/card.img" "$work/base.img"
mnt=$(root_of "$work/base.img")
check 'a Debian image without Cloudroid is made' chroot "$mnt" dpkg -P cloudroid
rm -rf "$mnt/srv/cloudroid" "$mnt/boot/cloudroid" "$mnt/etc/systemd/dnssd"
check 'nothing of it is left' test ! -e "$mnt/usr/bin/cloudroid" -a ! -e "$mnt/etc/cloudroid"
umount "$mnt"
if "$root/image/build.sh" --base "$work/base.img" --deb "$deb" --hostname cellar --output "$work/with.img" >"$work/build.log" 2>&1; then
  ok 'image/build.sh --base installs into it'
  boot "$work/with.img" 'the existing image with Cloudroid in it'
  check 'a file goes in and out' sh -c "${guest[*]} -T '$work/photo.jpg' $(url)/photo.jpg && ${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
  stop_card
else
  not_ok 'image/build.sh --base installs into it' "$(tail -n 25 "$work/build.log")"
fi
check 'nothing is left mounted' sh -c "! grep -q /var/cache/cloudroid-image/work /proc/mounts"
finish
