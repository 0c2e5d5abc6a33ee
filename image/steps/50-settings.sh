# shellcheck shell=bash disable=SC2154,SC2016
# files of our own (overlay), the settings that were given, nothing that two boards must not share
# Owners are root's, whoever checked the files out.
cp -r --no-preserve=ownership,timestamps "$here/overlay/." "$tree/"
find "$here/overlay" -type f -printf '%P\0' | (cd "$tree" && xargs -0 chown root:root)
timezone=${timezone:-UTC}
common_settings "$tree"
install -d "$tree/boot/cloudroid"
# Without a name given, `cloudroid setup` makes cloudroid-xxxx of the board's own number at the first start.
[ -n "$hostname" ] || echo cloudroid >"$tree/etc/hostname"
ln -sfn ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
# Nobody has a password: root logs in by ssh with the key, if there is one.
in_image passwd -l root >/dev/null 2>&1 || true
in_builder systemctl --root=/image enable "${own_units[@]}" systemd-networkd.service systemd-resolved.service systemd-timesyncd.service \
  systemd-time-wait-sync.service nftables.service ssh.service cloudroid.target >&2
# Nothing that waits for a cable.
in_builder systemctl --root=/image disable systemd-networkd-wait-online.service >&2 || true
# Of the kernel's log and apt only what the board makes itself.
rm -rf "$tree"/var/log/*.log "$tree"/var/log/apt/* "$tree"/var/cache/debconf/*-old "$tree"/var/lib/dpkg/*-old "$tree/var/cache/ldconfig/aux-cache" "$tree"/tmp/* "$tree/root/.bash_history"
chroot "$tree" dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' 2>/dev/null | LC_ALL=C sort >"$work/packages"
