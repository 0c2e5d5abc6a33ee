# shellcheck shell=bash disable=SC2154
# a Debian trixie on this machine's architecture that the root file system is made with
# The programs of this machine may be older than what they set up.
need mmdebstrap=mmdebstrap mke2fs=e2fsprogs sfdisk=fdisk mformat=mtools mkimage=u-boot-tools xz=xz-utils bmaptool=bmap-tools
emulation_for "$arch"
builder_tar=$cache/builder-$(dpkg --print-architecture)-$(date +%G-%V).tar
if [ ! -e "$builder_tar" ]; then
  rm -f "$cache"/builder-*.tar
  mmdebstrap --quiet --format=tar --variant=apt --include=mmdebstrap,initramfs-tools,dbus,passwd,udev,procps,kmod,systemd,init-system-helpers,zstd,e2fsprogs \
    trixie "$builder_tar.new" "$(mirror)" >&2
  mv "$builder_tar.new" "$builder_tar"
fi
builder=$work/builder
mkdir "$builder"
tar -C "$builder" -xpf "$builder_tar"
# The image grows inside of the builder, so that both see it.
tree=$builder/image
mkdir "$tree"
mount_in "$builder"
cp /etc/resolv.conf "$builder/etc/resolv.conf" 2>/dev/null || true
