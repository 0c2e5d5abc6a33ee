# shellcheck shell=bash disable=SC2154
# care for card and box, as far as the image has none of its own
# Copies files of the overlay.
from_overlay() { (cd "$here/overlay" && cp --parents --no-preserve=ownership,timestamps "$@" "$tree/" && chown root:root "${@/#/$tree/}"); }
units=etc/systemd/system
enabled=(cloudroid-journal-tail.service cloudroid-journal-tail.timer)
from_overlay etc/sysctl.d/50-cloudroid.conf etc/systemd/system.conf.d/50-cloudroid-watchdog.conf etc/systemd/journald.conf.d/50-cloudroid.conf \
  usr/local/lib/cloudroid/journal-tail $units/cloudroid-journal-tail.service $units/cloudroid-journal-tail-now.service $units/cloudroid-journal-tail.timer
# Armbian grows its root itself.
if ! has usr/lib/armbian/armbian-resize-filesystem && has usr/sbin/sfdisk; then
  from_overlay usr/local/lib/cloudroid/grow-root $units/cloudroid-grow-root.service
  enabled+=(cloudroid-grow-root.service)
fi
# The host keys of the image are thrown away, as two boards must not share them.
if has usr/bin/ssh-keygen; then
  from_overlay $units/cloudroid-host-keys.service
  enabled+=(cloudroid-host-keys.service)
fi
# Such images have known passwords (root, 1234): by ssh only with a key. At a screen and keyboard they go on to count.
if has etc/ssh/sshd_config.d; then from_overlay etc/ssh/sshd_config.d/50-cloudroid.conf; fi
if has usr/lib/systemd/systemd-timesyncd; then
  from_overlay etc/systemd/timesyncd.conf.d/40-cloudroid.conf $units/systemd-time-wait-sync.service.d/50-cloudroid.conf
  enabled+=(systemd-time-wait-sync.service)
fi
# On Ubuntu its own settings do it.
if has usr/bin/unattended-upgrade && grep -q '^ID=debian' "$tree/etc/os-release"; then from_overlay etc/apt/apt.conf.d/52cloudroid-unattended-upgrades; fi
if has usr/sbin/nft; then
  [ ! -s "$tree/etc/nftables.conf" ] || mv "$tree/etc/nftables.conf" "$tree/etc/nftables.conf.before-cloudroid"
  from_overlay etc/nftables.conf etc/nftables.d/README
  enabled+=(nftables.service)
fi
# mDNS announces port 6000: by systemd-resolved, by Avahi.
from_overlay etc/systemd/dnssd/cloudroid.dnssd etc/avahi/services/cloudroid.service
in_image systemctl enable "${enabled[@]}" >&2
