# shellcheck shell=bash disable=SC2154
# partition table, boot loader
gap_mib=16
truncate -s $((gap_mib + fat_mib + root_mib + 1))M "$image"
if [ "$boot" = efi ]; then fat_type=ef; else fat_type=c; fi
sfdisk -q "$image" <<TABLE
label: dos
label-id: 0x$(identity disk | cut -c1-8)
start=${gap_mib}MiB, size=${fat_mib}MiB, type=$fat_type
start=$((gap_mib + fat_mib))MiB, size=${root_mib}MiB, type=83, bootable
TABLE
dd if="$fat" of="$image" bs=1M seek=$gap_mib conv=notrunc,sparse status=none
dd if="$rootfs" of="$image" bs=1M seek=$((gap_mib + fat_mib)) conv=notrunc,sparse status=none
if [ -n "$bootloader" ]; then
  [ "$(stat -c %s "$bootloader")" -le $((gap_mib * 1024 * 1024)) ] || die "--bootloader: $bootloader does not fit in front of the first partition ($gap_mib MiB)"
  # Sparing the partition table: the first 440 bytes, then from the second sector on.
  dd if="$bootloader" of="$image" bs=1 count=440 conv=notrunc status=none
  dd if="$bootloader" of="$image" bs=512 skip=1 seek=1 conv=notrunc status=none
fi
