# shellcheck shell=bash disable=SC2154
# the two file systems, without loop devices
# FAT: what people read and edit on a PC; on a PC board also what it boots from.
fat_mib=64
[ "$boot" != efi ] || fat_mib=256
fat=$work/fat
truncate -s "${fat_mib}M" "$fat"
mformat -i "$fat" -F -v CLOUDROID -N "$(identity fat | cut -c1-8)" ::
for file in "$here/boot-partition/"*; do [ ! -e "$file" ] || mcopy -i "$fat" "$file" ::; done
if [ "$boot" = efi ]; then
  mmd -i "$fat" ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries
  mcopy -i "$fat" "$tree/usr/lib/systemd/boot/efi/systemd-bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
  printf 'timeout 0\ndefault cloudroid.conf\n' >"$work/loader.conf"
  printf 'title Cloudroid\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=LABEL=cl-root rootwait rw quiet panic=10 console=tty0 console=ttyS0\n' >"$work/entry.conf"
  mcopy -i "$fat" "$work/loader.conf" ::/loader/loader.conf
  mcopy -i "$fat" "$work/entry.conf" ::/loader/entries/cloudroid.conf
  mcopy -i "$fat" "$tree/boot/vmlinuz-$version" ::/vmlinuz
  mcopy -i "$fat" "$tree/boot/initrd.img-$version" ::/initrd.img
else
  [ -z "$dtb" ] || [ -e "$tree/boot/dtb/$dtb" ] || die "the kernel $version has no device tree $dtb for this board"
  sed "s|@DTB@|$dtb|" "$work/boot.cmd" >"$work/boot.board"
  mkimage -A arm64 -O linux -T script -C none -n Cloudroid -d "$work/boot.board" "$tree/boot/boot.scr" >/dev/null
fi
unmount_in "$tree"
find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
# Counted as ext4 will store it: file systems disagree on the size of folders, and the image must not.
used_mib=$(find "$tree" -printf '%y %i %s\n' | awk '$1 != "f" {k += 4} $1 == "f" && !seen[$2]++ {k += int(($3 + 4095) / 4096) * 4} END {print int(k / 1024) + 1}')
# Room for its first start; then it grows to the card. U-Boot of some boards knows neither of the two features left out.
root_mib=$((used_mib * 115 / 100 + 160))
rootfs=$builder/rootfs
truncate -s "${root_mib}M" "$rootfs"
# The builder's own, new enough to take every time from SOURCE_DATE_EPOCH; what it reads carries those of today (ctime).
in_builder mke2fs -q -t ext4 -L cl-root -U "$(identity root)" -E "hash_seed=$(identity hash),root_owner=0:0,lazy_itable_init=0" \
  -O '^metadata_csum_seed,^orphan_file' -m 2 -d /image /rootfs
