#!/bin/sh
# After a kernel or its initrd was installed: the names that the boot loader reads. /boot/dtb is a copy, because U-Boot reads
# one partition and old ones follow no link out of /boot.
set -e
version=$1
[ -n "$version" ] && [ -e "/boot/vmlinuz-$version" ] || exit 0
ln -sfn "vmlinuz-$version" /boot/vmlinuz
[ ! -e "/boot/initrd.img-$version" ] || ln -sfn "initrd.img-$version" /boot/initrd.img
if [ -d "/usr/lib/linux-image-$version" ]; then
  rm -rf /boot/dtb.new
  mkdir /boot/dtb.new
  for family in amlogic rockchip; do
    mkdir "/boot/dtb.new/$family"
    cp "/usr/lib/linux-image-$version/$family/"*odroid* "/boot/dtb.new/$family/" 2>/dev/null || true
  done
  rm -rf /boot/dtb
  mv /boot/dtb.new /boot/dtb
fi
# A PC reads kernel and initrd from the FAT partition.
esp=/boot/cloudroid
if [ -d "$esp/loader" ] && [ -e "/boot/initrd.img-$version" ]; then
  cp "/boot/vmlinuz-$version" "$esp/vmlinuz.new" && mv "$esp/vmlinuz.new" "$esp/vmlinuz"
  cp "/boot/initrd.img-$version" "$esp/initrd.new" && mv "$esp/initrd.new" "$esp/initrd.img"
fi
