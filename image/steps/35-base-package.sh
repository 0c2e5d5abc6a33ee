# shellcheck shell=bash disable=SC2154
# Cloudroid's package, with what it needs from the image's own distribution
[ -n "$deb" ] || deb=$("$here/../scripts/build-deb" --arch "$arch" --output "$work" | tail -n 1)
cp "$deb" "$tree/cloudroid.deb"
# Nothing is started in here (policy-rc.d(8)); what was there comes back.
for file in usr/sbin/policy-rc.d etc/resolv.conf; do
  if has "$file"; then mv "$tree/$file" "$tree/$file.before-cloudroid"; fi
done
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
asked=
ask_sources() {
  say "asking the image's own sources for what is missing"
  [ -n "$asked" ] || in_image apt-get update -qq >&2 || true
  asked=1
  in_image apt-get -y -qq --no-install-recommends "$@" >&2
}
if ! in_image dpkg -i /cloudroid.deb >&2; then
  ask_sources -f install || die 'the package does not install (see above)'
fi
in_image dpkg -s cloudroid | grep -q '^Status: install ok installed' || die 'the package is not installed properly (see above)'
# Security updates, a firewall, a name in the house: what the image lacks of it.
wanted=()
has usr/bin/unattended-upgrade || wanted+=(unattended-upgrades)
has usr/sbin/nft || wanted+=(nftables)
grep -rqs '^MulticastDNS=yes' "$tree/etc/systemd/network" || has usr/sbin/avahi-daemon || wanted+=(avahi-daemon)
if [ ${#wanted[@]} -gt 0 ] && ! ask_sources install "${wanted[@]}"; then say "NOT in this image, they could not be had: ${wanted[*]}"; fi
rm -f "$tree/cloudroid.deb" "$tree/usr/sbin/policy-rc.d" "$tree/etc/resolv.conf"
for file in usr/sbin/policy-rc.d etc/resolv.conf; do
  if has "$file.before-cloudroid"; then mv "$tree/$file.before-cloudroid" "$tree/$file"; fi
done
