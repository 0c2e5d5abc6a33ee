# shellcheck shell=bash disable=SC2154
# the root file system from Debian's packages
# Most of it without running a program of the other architecture (17 seconds instead of ten minutes); what has scripts that only
# run in a system comes by emulation.
packages=systemd-sysv,systemd-resolved,systemd-timesyncd,dbus,udev,kmod,iproute2,libstdc++6,libatomic1,procps,e2fsprogs,dosfstools,fdisk,zstd
emulated=(initramfs-tools nftables openssh-server unattended-upgrades ca-certificates libnss-resolve nano)
[ "$boot" != efi ] || emulated+=(systemd-boot-efi)
root_tar=$cache/root-$arch-$(date +%G-%V)-$(sha256sum <<<"$packages ${emulated[*]}" | cut -c1-8).tar
# What is kept for a week must not depend on the commit that it was made with: times in it are those of packages, or this one.
commit_epoch=$SOURCE_DATE_EPOCH
export SOURCE_DATE_EPOCH=1767225600
if [ ! -e "$root_tar" ]; then
  rm -f "$cache/root-$arch"-*.tar
  touch "$work/root-began"
  # Handbooks nobody reads on a board; licences stay.
  in_builder mmdebstrap --quiet --format=tar --arch="$arch" --variant=minbase --mode=chrootless --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    trixie /root.tar "$(mirror)" >&2
  tar -C "$tree" -xpf "$builder/root.tar"
  rm "$builder/root.tar"
  mount_in "$tree"
  # Nothing is started in here.
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d" && chmod 755 "$tree/usr/sbin/policy-rc.d"
  rm -f "$tree/etc/resolv.conf"
  cp /etc/resolv.conf "$tree/etc/resolv.conf"
  in_image apt-get update -qq >&2
  in_image env INITRD=No apt-get install -y -qq --no-install-recommends "${emulated[@]}" >&2
  in_image apt-get clean
  rm -f "$tree/usr/sbin/policy-rc.d" "$tree/etc/resolv.conf"
  unmount_in "$tree"
  find "$tree" -newer "$work/root-began" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  tar -C "$tree" -cpf "$root_tar.new" .
  mv "$root_tar.new" "$root_tar"
else
  tar -C "$tree" -xpf "$root_tar"
fi
export SOURCE_DATE_EPOCH=$commit_epoch
# Where the board gets its security updates, whatever mirror this machine used.
cat >"$tree/etc/apt/sources.list" <<'SOURCES'
deb http://deb.debian.org/debian trixie main
deb http://deb.debian.org/debian trixie-updates main
deb http://security.debian.org/debian-security trixie-security main
SOURCES
rm -rf "$tree"/etc/apt/sources.list.d/* "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*.bin
