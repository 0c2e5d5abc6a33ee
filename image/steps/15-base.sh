# shellcheck shell=bash disable=SC2034,SC2154
# the existing image: unpacked, grown, given a part that a PC can read, its root file system mounted
need sfdisk=fdisk resize2fs=e2fsprogs losetup=mount xz=xz-utils jq=jq mformat=mtools bmaptool=bmap-tools
case $base in
  *.xz) xz -T0 -dc "$base" >"$image" ;;
  *) cp --sparse=always "$base" "$image" ;;
esac
# Its root: the last Linux partition, which is also the one that can grow.
read -r number start length < <(sfdisk --json "$image" | jq -r '
  .partitiontable as $t | ($t.sectorsize // 512) as $s | [$t.partitions | to_entries[]
    | select(.value.type == "83" or (.value.type | ascii_upcase) == "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
        or (.value.type | ascii_upcase) == "B921B045-1DF0-41C3-AF44-4C6F280D3FAE")]
  | max_by(.value.start) | "\(.value.node | capture("(?<n>[0-9]+)$").n) \(.value.start * $s) \(.value.size * $s)"') || die "$base holds no Linux partition"
case $number in '' | null) die "$base holds no Linux partition" ;; esac
table=$(sfdisk --json "$image" | jq -r .partitiontable.label)
# A FAT that every PC shows; an EFI partition is hidden by most.
fat_at=$(sfdisk --json "$image" | jq -r '
  .partitiontable as $t | ($t.sectorsize // 512) as $s | [$t.partitions[]
    | select((.type | ascii_downcase) as $k | ["6", "b", "c", "e", "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"] | index($k)) | .start * $s]
  | min // empty')
[ -z "$fat_at" ] || [ "$(blkid -p -O "$fat_at" -o value -s TYPE "$image")" = vfat ] || fat_at=
fat_made=
primaries=$(sfdisk --json "$image" | jq '.partitiontable.partitions | length')
if [ -z "$fat_at" ] && [ -z "$keep_partitions" ] && { [ "$table" = gpt ] || { [ "$primaries" -lt 4 ] && [ "$number" -le 4 ]; }; }; then
  # Such images have one partition with everything, behind the boot loader. It moves back by 64 MiB and keeps its number; a new
  # one for cloudroid.txt takes the free place, so that the root stays the last on the card and can grow.
  fat_mib=64
  say "making room for a partition of $fat_mib MiB that a PC can read (--keep-partitions: none)"
  truncate -s "$(($(stat -c %s "$image") + fat_mib * 1024 * 1024))" "$work/moved"
  dd if="$image" of="$work/moved" bs=1M count="$start" iflag=count_bytes conv=notrunc,sparse status=none
  dd if="$image" of="$work/moved" bs=1M skip="$start" count="$length" iflag=skip_bytes,count_bytes \
    seek=$((start + fat_mib * 1024 * 1024)) oflag=seek_bytes conv=notrunc,sparse status=none
  mv "$work/moved" "$image"
  [ "$table" != gpt ] || sfdisk -q --relocate gpt-bak-std "$image"
  fat_at=$start fat_made=1
  start=$((start + fat_mib * 1024 * 1024))
  echo "$((start / 512)),+" | sfdisk -q --no-reread --no-tell-kernel -N "$number" "$image" >/dev/null
  if [ "$table" = gpt ]; then fat_type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7; else fat_type=c; fi
  echo "start=$((fat_at / 512)), size=${fat_mib}MiB, type=$fat_type" | sfdisk -q --no-reread --no-tell-kernel --append "$image" >/dev/null
  mformat -i "$image@@$fat_at" -F -T $((fat_mib * 2048)) -h 64 -s 32 -v CLOUDROID -N "$(identity fat | cut -c1-8)" ::
fi
# Room for the package; the board grows it to its card later.
truncate -s +700M "$image"
[ "$table" != gpt ] || sfdisk -q --relocate gpt-bak-std "$image"
echo ',+' | sfdisk -q --no-reread --no-tell-kernel -N "$number" "$image" >/dev/null
loop=$(losetup --find --show --offset "$start" "$image")
on_exit "losetup -d $loop"
[ "$(blkid -o value -s TYPE "$loop")" = ext4 ] || die "the root file system of $base is $(blkid -o value -s TYPE "$loop"); only ext4 is handled"
# 1: errors were mended.
e2fsck -fp "$loop" >&2 || [ $? -le 1 ]
resize2fs "$loop" >&2
mkdir "$tree"
mount "$loop" "$tree" && on_exit "umount '$tree'"
arch=$(sed -n 's/^Architecture: \(arm64\|amd64\)$/\1/p' "$tree/var/lib/dpkg/status" 2>/dev/null | sort | uniq -c | sort -rn | sed -n '1s/.* //p')
[ -n "$arch" ] || die "$base is no Debian, Ubuntu or Armbian for arm64 or amd64"
emulation_for "$arch"
mount_in "$tree"
