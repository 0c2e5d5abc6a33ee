# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# settings; cloudroid.txt gets its place; nothing that two boards must not share
common_settings "$tree"
install -d "$tree/boot/cloudroid"
# The folder of the FAT partition that becomes /boot/cloudroid.
fat_folder=/
if [ -n "$fat_at" ]; then
  # Where the image mounts its own (Hardkernel: /boot).
  own_place=$(awk '!/^[[:space:]]*#/ && ($3 == "vfat" || $3 == "auto") && $2 ~ "^(/boot|/boot/firmware|/media/boot)$" {print $2; exit}' "$tree/etc/fstab" 2>/dev/null)
  case ${fat_made:+new}$own_place in
    /boot) fat_folder=/cloudroid ;;
    /*) echo "$own_place /boot/cloudroid none bind,nofail 0 0" >>"$tree/etc/fstab" ;;
    *) echo "UUID=$(blkid -p -O "$fat_at" -o value -s UUID "$image") /boot/cloudroid vfat noatime,nofail,x-systemd.device-timeout=90s,umask=0077,flush 0 2" >>"$tree/etc/fstab" ;;
  esac
else
  # Not readable from Windows then; on the board it does the same.
  cp "$here/boot-partition/"* "$tree/boot/cloudroid/"
fi
chroot "$tree" dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' | LC_ALL=C sort >"$work/packages"
