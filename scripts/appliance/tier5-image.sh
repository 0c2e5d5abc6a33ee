#!/bin/bash
# the arm64 image in QEMU through U-Boot to port 6000; a disk pulled out and back; --base on an arm64 image, booted likewise
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2154,SC2317
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/qemu.sh"
need 'an image in QEMU' mmdebstrap qemu-system-aarch64 qemu-aarch64-static mkimage mformat sfdisk jq curl python3 bmaptool ssh xz
[ -e /usr/lib/u-boot/qemu_arm64/u-boot.bin ] || { skip 'an image in QEMU: u-boot-qemu is missing here' && exit 0; }

deb=$(deb_of arm64) || { not_ok 'the package is built' && finish; }
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh"
# A folder of its own, with what was downloaded before.
left_behind() { grep -q "$1/work\." /proc/mounts || losetup -l -n -O BACK-FILE | grep -q "$1/work\." || compgen -G "$1/work.*" >/dev/null; }
images=/var/cache/cloudroid-image
build=("$root/image/build.sh" --deb "$deb" --cache "$images")

# What ends the build in the middle leaves nothing behind.
"${build[@]}" --board qemu --quick --output "$work/cut.img" >"$work/cut.log" 2>&1 &
cut=$!
wait_for 200 grep -q '20-root: the root' "$work/cut.log"
kill "$cut"
wait "$cut"
status=$?
check 'a build that is ended says so' test "$status" = 130
if left_behind "$images"; then not_ok 'and leaves no mount, no loop device and no folder' "$(grep "$images" /proc/mounts; ls "$images")"; else ok 'and leaves no mount, no loop device and no folder'; fi

began=$SECONDS
if ! "${build[@]}" --board qemu --quick --ssh-key "$work/ssh.pub" --output "$work/card.img" >"$work/build.log" 2>&1; then
  not_ok 'image/build.sh --board qemu builds an image' "$(tail -n 25 "$work/build.log")"
  finish
fi
ok "image/build.sh --board qemu builds an image: $((SECONDS - began)) seconds, $(du -m --apparent-size "$work/card.img" | cut -f1) MB unpacked"
grep '\] [0-9][0-9]-.*seconds' "$work/build.log" | sed 's/^/   /'
check 'its checksum fits' sh -c "cd '$work' && sha256sum -c card.sha256"
check 'the manifest names the package' grep -q '^cloudroid ' "$work/card.packages"
check 'bmaptool writes a card by the block map' bmaptool -q copy --bmap "$work/card.bmap" "$work/card.img" "$work/first.img"
check 'which is the image' cmp "$work/card.img" "$work/first.img"
"${build[@]}" --board qemu --quick --ssh-key "$work/ssh.pub" --output "$work/again.img" >"$work/build.log" 2>&1
check 'the same input makes the same image, byte for byte' cmp "$work/card.img" "$work/again.img"
rm -f "$work/again.img"

cp --sparse=always "$work/card.img" "$work/second.img"
# A card is bigger than the image.
truncate -s 3G "$work/first.img"

boot 'the image, through U-Boot' "$work/first.img"
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
check 'and nobody with a password' sh -c "ssh -v -p $ssh_port ${ssh_options[*]} -o PreferredAuthentications=password,keyboard-interactive root@127.0.0.1 true 2>&1 | grep -q 'Authentications that can continue: publickey.\?$'"
# Each process by its title; smaps_rollup counts what is shared in parts.
pss=$(on_board 'for p in $(pgrep -f "^cloudroid-(ftp|proxy|sweep)"); do awk "/^Pss:/ {print \$2}" /proc/$p/smaps_rollup; done' | awk '{sum += $1} END {print int(sum / 1024)}')
if [ "${pss:-0}" -gt 0 ] && [ "$pss" -le 250 ]; then ok "memory of the three at rest: $pss MB PSS"; else not_ok 'memory of the three at rest is at most 250 MB PSS' "${pss:-nothing}"; fi
check 'doctor finds no problem' wait_for 30 on_board cloudroid doctor
check 'the firewall is up' on_board 'nft list ruleset | grep -q 6000'
check 'the board is called cloudroid-xxxx' on_board 'hostname | grep -qE "^cloudroid-[0-9a-f]{4}$"'
check 'and says so by mDNS' on_board 'resolvectl mdns | grep -q "^Link .*: yes"'
check 'no unit has failed' on_board 'test -z "$(systemctl --failed --no-legend | tee /dev/stderr)"'
check 'reading writes nothing on the card' on_board 'findmnt -no OPTIONS / | grep -q noatime'
check 'nothing is swapped to it' on_board 'test -z "$(swapon --noheadings)"'
check 'the journal is in memory' on_board 'journalctl --header | grep -q "^File path: /run/log/journal" && test -z "$(find /var/log/journal -type f)"'
check 'the hardware watchdog is asked for' on_board 'test "$(systemctl show -p RuntimeWatchdogUSec --value)" = 15s'
check 'the first sweep waits for the time' on_board 'systemctl is-enabled -q systemd-time-wait-sync && systemctl show -p After --value cloudroid-sweep | grep -qw time-sync.target'
check 'security updates come by themselves' on_board 'systemctl is-enabled -q apt-daily.timer apt-daily-upgrade.timer && apt-config dump | grep -q "Unattended-Upgrade::Origins-Pattern.*Debian-Security" && apt-config dump | grep -q "Periodic::Unattended-Upgrade .1"'
check 'upgraded kernels leave the same drivers out' on_board 'test -d /lib/modules/*/kernel/drivers/usb && test -z "$(find /lib/modules/*/kernel/sound -type f)" && grep -q drivers/media /etc/dpkg/dpkg.cfg.d/*'
# The plug is pulled: what was acknowledged is there. Meanwhile somebody puts the card into a PC.
stop_card
fat=$work/first.img@@$(partition_at "$work/first.img" 1)
check 'cloudroid.txt is on the part that a PC reads' mdir -i "$fat" ::cloudroid.txt ::README.txt
mtype -i "$fat" ::cloudroid.txt >"$work/cloudroid.txt" && printf 'hostname = attic\r\ntimezone = Mars\r\n' >>"$work/cloudroid.txt"
mcopy -o -i "$fat" "$work/cloudroid.txt" ::cloudroid.txt
boot 'after the plug was pulled' "$work/first.img"
check 'the file is still there' sh -c "${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
check 'cloudroid.txt is taken over' wait_for 60 on_board 'test "$(hostname)" = attic'
check 'what is written there is on the card before the plug is pulled again' on_board sync
stop_card
check 'what is wrong in it is told where a PC reads it' sh -c "mtype -i '$fat' ::cloudroid-errors.txt | grep -q 'timezone = Mars'"
mnt=$(root_of "$work/first.img")
mib=$(($(stat -f -c '%b * %S' "$mnt") / 1024 / 1024))
if [ "$mib" -gt 2500 ]; then ok "the root file system has grown to its card: $mib MiB"; else not_ok 'the root file system has grown to its card' "$mib MiB"; fi
ids() { cat "$1/etc/machine-id" "$1/var/lib/cloudroid/member.json" "$1/etc/hostname" && cat "$1"/etc/ssh/ssh_host_ed25519_key.pub && cat "$1/var/lib/cloudroid/network.key"; }
ids "$mnt" >"$work/ids.first" 2>&1
check 'the first has a machine id, a member id, a name, host keys and a network key' test "$(wc -l <"$work/ids.first")" -ge 5
for conf in "$root"/image/boards/*.conf; do
  dtb=$(sed -n 's/^dtb=//p' "$conf")
  [ -z "$dtb" ] || check "$(basename "$conf" .conf): the device tree is there" test -s "$mnt/boot/dtb/$dtb"
done
umount "$mnt"

# The second, with a disk at its USB.
truncate -s 2G "$work/disk.img" && mke2fs -q -t ext4 -L CLOUDROID-DATA "$work/disk.img"
boot 'a second card with the same image, and a disk' "$work/second.img" -device qemu-xhci,id=usb \
  -blockdev "driver=file,node-name=file,filename=$work/disk.img" -blockdev driver=raw,node-name=disk,file=file -device usb-storage,bus=usb.0,drive=disk,id=stick
check 'root logs in there too' wait_for 60 on_board true
mounted() { on_board 'findmnt -rno FSTYPE /srv/cloudroid'; }
unmounted() { on_board true && ! mounted; }
check 'the disk is mounted' wait_for 30 mounted
check 'a file goes in' "${guest[@]}" -T "$work/photo.jpg" "$(url)/photo.jpg"
check 'and lies on the disk' on_board 'test -s /srv/cloudroid/files/photo.jpg'
monitor 'device_del stick' >/dev/null
check 'pulled out, it is gone' wait_for 60 unmounted
refused() { ! "${guest[@]}" --max-time 20 -T "$work/photo.jpg" "$(url)/other.jpg" 2>/dev/null; }
check 'without it nothing is stored' wait_for 30 refused
check 'least of all on the card' on_board 'test ! -e /srv/cloudroid/files'
check 'doctor tells the cure' on_board 'cloudroid doctor | grep -A 1 "nothing is mounted on /srv/cloudroid" | grep -q "Plug it in"'
monitor 'device_add usb-storage,bus=usb.0,drive=disk,id=stick2' >/dev/null
check 'plugged in again, it is mounted' wait_for 120 mounted
again() { "${guest[@]}" "$(url)/photo.jpg" | cmp - "$work/photo.jpg"; }
check 'and its files are served' wait_for 120 again
check 'and taken' wait_for 60 "${guest[@]}" -T "$work/photo.jpg" "$(url)/later.jpg"
stop_card
mnt=$(root_of "$work/second.img")
ids "$mnt" >"$work/ids.second" 2>&1
umount "$mnt"
check 'the two boards share no identity, host key or network key' test -z "$(LC_ALL=C sort "$work/ids.first" >"$work/s1" && LC_ALL=C sort "$work/ids.second" >"$work/s2" && LC_ALL=C comm -12 "$work/s1" "$work/s2" | grep -v '^#' | grep .)"
rm -f "$work"/first.img "$work"/second.img "$work"/disk.img

# Into an image that exists: a Debian for arm64 as others publish them, one partition with everything behind the boot loader,
# known host keys, no part that a PC reads, none of our files.
card_root=$(partition_at "$work/card.img" 2)
{ head -c $((4 * 1024 * 1024)) /dev/zero && tail -c "+$((card_root + 1))" "$work/card.img"; } | dd of="$work/base.img" bs=1M iflag=fullblock conv=sparse status=none
printf 'label: dos\nlabel-id: 0x12345678\nstart=4MiB, type=83, bootable\n' | sfdisk -q "$work/base.img"
mnt=$(root_of "$work/base.img")
check 'a Debian image without Cloudroid is made' chroot "$mnt" dpkg -P cloudroid
(cd "$root/image/overlay" && find . -type f ! -path './etc/systemd/network/*' -print0) | (cd "$mnt" && xargs -0 rm -f)
rm -rf "$mnt/srv/cloudroid" "$mnt/boot/cloudroid" "$mnt/root/.ssh" "$mnt/etc/nftables.d" "$mnt/usr/local/lib/cloudroid"
# Links are looked up in there: this machine has other units.
chroot "$mnt" find /etc/systemd/system -xtype l -delete
echo 'LABEL=cl-root / ext4 defaults 0 1' >"$mnt/etc/fstab"
echo odroidc4 >"$mnt/etc/hostname"
ssh-keygen -q -t ed25519 -N '' -f "$mnt/etc/ssh/ssh_host_ed25519_key"
cp "$mnt/etc/ssh/ssh_host_ed25519_key.pub" "$work/known.pub"
check 'nothing of it is left' test -z "$(cd "$mnt" && find etc usr var srv boot -iname '*cloudroid*' ! -path '*/systemd/network/*' ! -path '*/kernel/*' ! -path '*/initramfs*' | tee /dev/stderr)"
umount "$mnt"
xz -0 -T0 "$work/base.img"
# A peer that never answers would keep everybody out: this board could not know the accounts.
echo '# none yet' >"$work/peers.txt"
printf 'cloudroid-network-key-1 %s\n' "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')" >"$work/network.key"
head -c 1000000 /dev/urandom >"$work/loader.bin"
if ! "${build[@]}" --base "$work/base.img.xz" --hostname cellar --timezone Europe/Berlin --ssh-key "$work/ssh.pub" --peers "$work/peers.txt" \
  --network-key "$work/network.key" --bootloader "$work/loader.bin" --output "$work/with.img" >"$work/build.log" 2>&1; then
  not_ok 'image/build.sh --base installs into it' "$(tail -n 25 "$work/build.log")"
  finish
fi
ok 'image/build.sh --base installs into it'
check 'the boot loader is there, around the partition table' sh -c "cmp -n 440 '$work/loader.bin' '$work/with.img' && cmp -i 512 -n 999488 '$work/loader.bin' '$work/with.img'"
check 'which is whole' sfdisk -V "$work/with.img"
check 'the root kept its number and is last on the card' test "$(partition_at "$work/with.img" 1)" -gt "$(partition_at "$work/with.img" 2)"
fat=$work/with.img@@$(partition_at "$work/with.img" 2)
printf 'timezone = Mars\r\n' >"$work/cloudroid.txt" && mcopy -o -i "$fat" "$work/cloudroid.txt" ::cloudroid.txt
truncate -s 3G "$work/with.img"
boot 'the existing image with Cloudroid in it' "$work/with.img"
check 'a file goes in and out' sh -c "${guest[*]} -T '$work/photo.jpg' $(url)/photo.jpg && ${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
check 'root logs in by ssh with the key that was given' wait_for 90 on_board true
check 'it has the name that was given' on_board 'test "$(hostname)" = cellar'
check 'the network key' test "$(on_board cat /var/lib/cloudroid/network.key)" = "$(cat "$work/network.key")"
check 'the list of peers' on_board 'grep -qx "# none yet" /etc/cloudroid/PEERS.txt'
check 'the time zone' on_board 'readlink /etc/localtime | grep -q Europe/Berlin'
check 'its root has grown' on_board 'test "$(df --output=size -BM / | tail -n 1 | tr -d " M")" -gt 2300'
check 'it threw the known host keys away and made its own' on_board "test -s /etc/ssh/ssh_host_ed25519_key.pub && ! grep -q '$(cut -d' ' -f2 "$work/known.pub")' /etc/ssh/ssh_host_ed25519_key.pub"
check 'the firewall is up there too' on_board 'nft list ruleset | grep -q 6000'
check 'no unit has failed there' on_board 'test -z "$(systemctl --failed --no-legend | tee /dev/stderr)"'
on_board sync
stop_card
check 'cloudroid.txt lies where a PC reads it, and is answered there' sh -c "mtype -i '$fat' ::cloudroid-errors.txt | grep -q 'timezone = Mars'"
if left_behind "$images"; then not_ok 'nothing is left mounted'; else ok 'nothing is left mounted'; fi
finish
