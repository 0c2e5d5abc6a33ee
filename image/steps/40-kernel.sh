# shellcheck shell=bash disable=SC2154
# kernel, known to dpkg so that security updates replace it; initrd, by emulation
cp "$here/boot.cmd" "$work/boot.cmd"
install -d "$tree/etc/kernel/postinst.d" "$tree/etc/initramfs/post-update.d"
install -m 755 "$here/kernel-hook.sh" "$tree/etc/kernel/postinst.d/zz-cloudroid-boot"
install -m 755 "$here/kernel-hook.sh" "$tree/etc/initramfs/post-update.d/zz-cloudroid-boot"
# What the boards boot from and their disks, and QEMU.
modules='ext4 vfat nls_cp437 nls_ascii virtio_pci virtio_blk virtio_net virtio_mmio'
[ "$arch" != arm64 ] || modules+=' meson-gx-mmc dw_mmc-rockchip sdhci-of-dwcmshc usb-storage uas xhci-plat-hcd dwc3 dwc3-meson-g12a ahci ahci_dwc nvme pcie-dw-rockchip phy-rockchip-naneng-combphy'
[ "$arch" != amd64 ] || modules+=' ahci nvme xhci-pci usb-storage uas sdhci-pci mmc_block'
tr ' ' '\n' <<<"$modules" >"$tree/etc/initramfs-tools/modules"
if [ -n "$quick" ]; then style=list; else style=most; fi
printf 'MODULES=%s\nCOMPRESS=zstd\nBUSYBOX=n\n' "$style" >"$tree/etc/initramfs-tools/conf.d/cloudroid"

in_builder sh -c "dpkg --add-architecture $arch && apt-get update -qq" >&2
meta=$kernel:$arch
real=$(in_builder apt-cache depends --no-recommends --no-suggests "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9][^: ]*\).*/\1/p' | head -n 1)
[ -n "$real" ] || die "$kernel depends on no kernel"
in_builder sh -c "mkdir -p /kernel && cd /kernel && apt-get download -qq $meta $real:$arch" >&2
version=${real#linux-image-}
# What of it stays out: the image's own dpkg is told by the overlay, the builder's here.
cp "$here/overlay/etc/dpkg/dpkg.cfg.d/50-cloudroid-kernel" "$builder/etc/dpkg/dpkg.cfg.d/"
install_kernel() {
  chroot "$builder" env INITRD=No PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    sh -c "dpkg --root=/image --force-script-chrootless --force-not-root --force-depends $1" >&2
}
install_kernel '--unpack /kernel/*.deb'
# Its scripts look for the modules where they run.
mkdir -p "$builder/usr/lib/modules"
rm -rf "$builder/usr/lib/modules/$version"
ln -s "/image/usr/lib/modules/$version" "$builder/usr/lib/modules/$version"
install_kernel '--configure -a'
in_builder depmod -b /image "$version"
mount_in "$tree"
in_image update-initramfs -c -k "$version" >&2
in_image /etc/kernel/postinst.d/zz-cloudroid-boot "$version"
