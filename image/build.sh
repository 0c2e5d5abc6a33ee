#!/bin/bash
# Builds an image for a board, ready to be flashed.
#
#   image/build.sh --base FILE.img[.xz]     installs into an existing Odroid OS image (Armbian, Hardkernel, Debian): the main way
#   image/build.sh --board BOARD            from Debian's packages: c4 hc4 n2 n2plus n2l m1 m1s m2 h4 qemu
#
#   --deb FILE           the package (default: built by scripts/build-deb)
#   --peers FILE         becomes PEERS.txt
#   --network-key FILE   the key of the network (default: each board makes one at its first start)
#   --hostname NAME      (default: cloudroid-xxxx, made at the first start)
#   --timezone TZ        such as Europe/Berlin (default: UTC, or as in the existing image)
#   --ssh-key FILE       public key of the user root; without it nobody can log in by ssh
#   --bootloader FILE    written in front of the first partition, sparing the partition table
#   --output FILE        (default: build/cloudroid-BOARD.img.xz); .sha256, .bmap and .packages come beside it
#   --keep-partitions    with --base: no new partition for cloudroid.txt in an image that has none which a PC can read
#   --cache DIR          downloads and the builder (default: /var/cache/cloudroid-image)
#   --quick              for tests: the image is not compressed, the initrd holds little
#
# Needs root (chroot, mounts), Debian 12 or newer, and the programs it names when they are missing. Same input, same image.
# shellcheck disable=SC2034 # much is used by the steps only
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# shellcheck source=image/lib.sh
. "$here/lib.sh"

board='' base='' deb='' peers='' network_key='' hostname='' timezone='' ssh_key='' bootloader='' output='' quick='' keep_partitions=''
cache=/var/cache/cloudroid-image
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 && shift ;;
    --keep-partitions) keep_partitions=1 && shift ;;
    --help | -h) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
    --board | --base | --deb | --peers | --network-key | --hostname | --timezone | --ssh-key | --bootloader | --output | --cache)
      [ $# -ge 2 ] || die "$1 wants a value"
      name=${1#--}
      printf -v "${name//-/_}" '%s' "$2"
      shift 2
      ;;
    *) die "unknown option $1 (--help tells what there is)" ;;
  esac
done
[ -n "$board$base" ] || die 'say --base FILE or --board BOARD (--help tells more)'
[ -z "$board" ] || [ -z "$base" ] || die '--base and --board exclude each other'
for file in "$base" "$deb" "$peers" "$network_key" "$ssh_key" "$bootloader"; do [ -z "$file" ] || [ -r "$file" ] || die "$file cannot be read"; done
[[ -z $hostname || $hostname =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] || die "--hostname: expected letters, digits and dashes, got $hostname"
[ -z "$timezone" ] || [ -f "/usr/share/zoneinfo/$timezone" ] || die "--timezone: there is no $timezone"
[ -z "$network_key" ] || grep -q '^cloudroid-network-key-1' "$network_key" || die "--network-key: $network_key is no network key of Cloudroid"
[ -z "$ssh_key" ] || grep -qE '^(ssh-|ecdsa-|sk-)' "$ssh_key" || die "--ssh-key: $ssh_key is no public key"
[ "$(id -u)" = 0 ] || die 'needs root: it makes a root file system with its owners, and runs programs of the image in it'

if [ -n "$board" ]; then
  [ -r "$here/boards/$board.conf" ] || die "--board: expected one of $(cd "$here/boards" && printf '%s ' *.conf | sed 's/\.conf//g'), got $board"
  # shellcheck source=image/boards/qemu.conf
  . "$here/boards/$board.conf"
  steps=(10-builder 20-root 30-package 40-kernel 50-settings 60-filesystems 70-partitions 80-output)
else
  steps=(15-base 35-base-package 50-base-care 55-base-settings 65-base-close 80-output)
fi
name=${board:-$(basename "${base%.xz}" .img)-cloudroid}
output=${output:-$(dirname "$here")/build/cloudroid-$name.img.xz}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || stat -c %Y "$here/build.sh")}
# Everything that must be made up is made up from the date: the same input makes the same image.
identity() { sha256sum <<<"cloudroid $SOURCE_DATE_EPOCH $1" | cut -c1-32 | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.*\)$/\1-\2-4\3-8\4-\5/'; }

mkdir -p "$cache" "$(dirname "$output")"
work=$(mktemp -d "$cache/work.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT TERM
tree=$work/root
image=$work/image
began=$SECONDS
for step in "${steps[@]}"; do
  began_step=$SECONDS
  title=$(sed -n '2s/^# //p' "$here/steps/$step.sh")
  say "$step: $title"
  # shellcheck disable=SC1090
  . "$here/steps/$step.sh"
  say "$step: $((SECONDS - began_step)) seconds"
done
say "$output: $(du -h "$output" | cut -f1), $((SECONDS - began)) seconds in all"
