# shellcheck shell=bash disable=SC2154,SC2016
# settings; the image keeps its own ways of network, firewall, log and login
common_settings "$tree"
if [ -d "$tree/etc/systemd" ]; then
  # mDNS announces port 6000 where systemd-resolved or Avahi runs.
  install -D -m 644 "$here/overlay/etc/systemd/dnssd/cloudroid.dnssd" "$tree/etc/systemd/dnssd/cloudroid.dnssd"
fi
# On a card whose FAT partition the image mounts on /boot, cloudroid.txt lies there, readable from any PC.
install -d "$tree/boot/cloudroid"
for file in "$here/boot-partition/"*; do [ ! -e "$file" ] || cp "$file" "$tree/boot/cloudroid/"; done
chroot "$tree" dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' | LC_ALL=C sort >"$work/packages"
