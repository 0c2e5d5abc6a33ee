# shellcheck shell=bash disable=SC2154
# the existing image: unpacked, grown, its root file system mounted
need sfdisk=fdisk resize2fs=e2fsprogs losetup=mount xz=xz-utils jq=jq
case $base in
  *.xz) xz -T0 -dc "$base" >"$image" ;;
  *) cp --sparse=always "$base" "$image" ;;
esac
# Its root: the last Linux partition, which is also the one that can grow.
read -r number start < <(sfdisk --json "$image" | jq -r '
  .partitiontable as $t | ($t.sectorsize // 512) as $s | [$t.partitions | to_entries[]
    | select(.value.type == "83" or (.value.type | ascii_upcase) == "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
        or (.value.type | ascii_upcase) == "B921B045-1DF0-41C3-AF44-4C6F280D3FAE")]
  | max_by(.value.start) | "\(.key + 1) \(.value.start * $s)"') || die "$base holds no Linux partition"
case $number in '' | null) die "$base holds no Linux partition" ;; esac
# Room for the package; the board grows it to its card later.
truncate -s +700M "$image"
sfdisk --json "$image" | jq -e '.partitiontable.label == "gpt"' >/dev/null && sfdisk -q --relocate gpt-bak-std "$image"
echo ',+' | sfdisk -q --no-reread -N "$number" "$image" >/dev/null
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
