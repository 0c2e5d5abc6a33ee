# Sourced by build.sh: what is said, what is cleaned up, how programs of the image are run.
# shellcheck shell=bash disable=SC2034,SC2154

say() { echo "[image] $*" >&2; }
die() {
  say "$*"
  exit 64
}

cleanups=()
on_exit() { cleanups+=("$1"); }
# Whatever ends the build: mounts and loop devices first, the folder last, and never through a mount.
clean_up() {
  local status=$? i
  for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do eval "${cleanups[$i]}" >/dev/null 2>&1 || true; done
  if [ -n "${work:-}" ]; then
    if grep -q " $work/" /proc/self/mounts; then say "still mounted below $work: it is left there"; else rm -rf --one-file-system "$work"; fi
  fi
  exit "$status"
}

# need PROGRAM=PACKAGE...
need() {
  local pair missing=()
  for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
  [ ${#missing[@]} -eq 0 ] || die "missing here; install them first: apt install ${missing[*]}"
}

mirror() {
  local found
  # shellcheck disable=SC2016
  found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep '/debian/$' | sort -u | head -n 1)
  echo "${found:-http://deb.debian.org/debian/}"
}

# What runs programs of another architecture for the kernel (binfmt_misc); says how to get it.
emulation_for() {
  [ "$1" != "$(dpkg --print-architecture)" ] || return 0
  [ "$1" = arm64 ] || die "programs for $1 cannot be run here"
  need qemu-aarch64-static=qemu-user-static
  [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || die 'the kernel here has no binfmt_misc'
  [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
}

# In the image, by emulation where needed.
in_image() { chroot "$tree" env -i SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
# In the builder: Debian of the version that the image will have, on this machine's architecture.
in_builder() { chroot "$builder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" "$@"; }

# has PATH: is it in the image?
has() { [ -e "$tree/$1" ] || [ -L "$tree/$1" ]; }

# mount_in DIR: /proc, /sys and /dev for programs that run in there.
mount_in() {
  mount -t proc proc "$1/proc" && on_exit "umount '$1/proc'"
  mount --bind /dev "$1/dev" && on_exit "umount '$1/dev'"
}

unmount_in() { umount "$1/proc" "$1/dev"; }

# Units of the overlay that are enabled. By name and not by links in the overlay: not every way a checkout travels keeps links,
# and a file in place of a link enables nothing.
own_units=(cloudroid-grow-root.service cloudroid-host-keys.service cloudroid-journal-tail.service cloudroid-journal-tail.timer)

# Settings that are the same for both ways. $1: the root.
common_settings() {
  [ -z "$peers" ] || install -m 644 "$peers" "$1/etc/cloudroid/PEERS.txt"
  [ -z "$network_key" ] || install -D -m 600 "$network_key" "$1/var/lib/cloudroid/network.key"
  [ -z "$hostname" ] || echo "$hostname" >"$1/etc/hostname"
  if [ -n "$timezone" ]; then
    ln -sfn "/usr/share/zoneinfo/$timezone" "$1/etc/localtime"
    [ ! -e "$1/etc/timezone" ] || echo "$timezone" >"$1/etc/timezone"
  fi
  if [ -n "$ssh_key" ]; then
    install -d -m 700 "$1/root/.ssh"
    install -m 600 "$ssh_key" "$1/root/.ssh/authorized_keys"
  fi
  chroot "$1" chown -R cloudroid:cloudroid /var/lib/cloudroid /etc/cloudroid/PEERS.txt
  # Nothing that two boards must not share.
  rm -f "$1"/etc/ssh/ssh_host_* "$1/var/lib/dbus/machine-id" "$1/var/lib/systemd/random-seed" "$1/var/lib/systemd/credential.secret"
  : >"$1/etc/machine-id"
}
