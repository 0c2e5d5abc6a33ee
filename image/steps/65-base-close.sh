# shellcheck shell=bash disable=SC2154
# unmounting; cloudroid.txt; the boot loader, if one was given
unmount_in "$tree"
umount "$tree"
e2fsck -fp "$loop" >&2 || [ $? -le 1 ]
losetup -d "$loop"
if [ -n "$fat_at" ]; then
  fat=$image@@$fat_at
  [ "$fat_folder" = / ] || mdir -i "$fat" "::$fat_folder" >/dev/null 2>&1 || mmd -i "$fat" "::$fat_folder"
  # What somebody has written there stays.
  for file in "$here/boot-partition/"*; do mcopy -D s -i "$fat" "$file" "::$fat_folder" </dev/null >&2; done
fi
if [ -n "$bootloader" ]; then
  first=$(sfdisk --json "$image" | jq '[.partitiontable.partitions[].start] | min * 512')
  [ "$(stat -c %s "$bootloader")" -le "$first" ] || die "--bootloader: $bootloader does not fit in front of the first partition ($first bytes)"
  sfdisk --json "$image" | jq -e '.partitiontable.label == "gpt"' >/dev/null && die '--bootloader: this image has a GPT, which a boot loader would overwrite'
  dd if="$bootloader" of="$image" bs=1 count=440 conv=notrunc status=none
  dd if="$bootloader" of="$image" bs=512 skip=1 seek=1 conv=notrunc status=none
fi
