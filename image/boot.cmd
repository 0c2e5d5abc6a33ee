# U-Boot script for all ARM boards; mkimage makes boot.scr of it. U-Boot sets devtype, devnum, distro_bootpart and, on boards it
# knows, fdtfile. The links in /boot are those of the newest kernel (etc/kernel/postinst.d/zz-cloudroid-boot).
echo "Cloudroid: starting from ${devtype} ${devnum}:${distro_bootpart}"
part uuid ${devtype} ${devnum}:${distro_bootpart} partuuid
setenv bootargs "root=PARTUUID=${partuuid} rootwait rw ${consoles} quiet panic=10"
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} /boot/vmlinuz
setenv cloudroid_fdt ${fdtcontroladdr}
for file in "${fdtfile}" "amlogic/${fdtfile}" "rockchip/${fdtfile}" "@DTB@"; do
  if test -e ${devtype} ${devnum}:${distro_bootpart} "/boot/dtb/${file}"; then
    if load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} "/boot/dtb/${file}"; then setenv cloudroid_fdt ${fdt_addr_r}; fi
  fi
done
load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk_addr_r} /boot/initrd.img
booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${cloudroid_fdt}
echo "Cloudroid: the kernel could not be started"
