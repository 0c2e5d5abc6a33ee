#!/bin/bash
# the image for a PC (ODROID-H4) in QEMU, started by UEFI and systemd-boot, to port 6000
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2034,SC2154
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/qemu.sh"
need 'a PC in QEMU' mmdebstrap qemu-system-x86_64 mformat sfdisk jq curl python3 bmaptool ssh
[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || { skip 'a PC in QEMU: ovmf is missing here' && exit 0; }
[ "$(dpkg --print-architecture)" = amd64 ] || { skip 'a PC in QEMU: an image for amd64 is only made on amd64' && exit 0; }

deb=$(deb_of amd64) || { not_ok 'the package is built' && finish; }
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh"
began=$SECONDS
if ! "$root/image/build.sh" --board h4 --quick --deb "$deb" --ssh-key "$work/ssh.pub" --output "$work/card.img" >"$work/build.log" 2>&1; then
  not_ok 'image/build.sh --board h4 builds an image' "$(tail -n 25 "$work/build.log")"
  finish
fi
ok "image/build.sh --board h4 builds an image: $((SECONDS - began)) seconds, $(du -m --apparent-size "$work/card.img" | cut -f1) MB unpacked"
truncate -s 3G "$work/card.img"
cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
# As slow as it has to be: no virtualisation, which a test cannot count on.
board=(qemu-system-x86_64 -M q35 -cpu max -smp 2 -m 1024 -drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd" -drive "if=pflash,format=raw,file=$work/vars.fd")
bus=pci
boot 'the image, by UEFI' "$work/card.img"
head -c 3000000 /dev/urandom >"$work/photo.jpg"
check 'a file goes in and out' sh -c "${guest[*]} -T '$work/photo.jpg' $(url)/photo.jpg && ${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
check 'root logs in by ssh with the key' wait_for 60 on_board true
check 'its root has grown' on_board 'test "$(df --output=size -BM / | tail -n 1 | tr -d " M")" -gt 2300'
check 'doctor finds no problem' on_board cloudroid doctor
check 'no unit has failed' on_board 'test -z "$(systemctl --failed --no-legend | tee /dev/stderr)"'
stop_card
boot 'after the plug was pulled' "$work/card.img"
check 'the file is still there' sh -c "${guest[*]} $(url)/photo.jpg | cmp - '$work/photo.jpg'"
stop_card
finish
