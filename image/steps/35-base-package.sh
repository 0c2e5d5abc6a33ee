# shellcheck shell=bash disable=SC2154
# Cloudroid's package, with what it needs from the image's own distribution
[ -n "$deb" ] || deb=$("$here/../scripts/build-deb" --arch "$arch" --output "$work" | tail -n 1)
cp "$deb" "$tree/cloudroid.deb"
# Nothing is started in here (policy-rc.d(8)); what was there comes back.
for file in usr/sbin/policy-rc.d etc/resolv.conf; do
  if [ -e "$tree/$file" ] || [ -L "$tree/$file" ]; then mv "$tree/$file" "$tree/$file.before-cloudroid"; fi
done
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
if ! in_image dpkg -i /cloudroid.deb >&2; then
  say 'asking the image'"'"'s own sources for what is missing'
  in_image apt-get update -qq >&2 || true
  in_image apt-get -y -qq --no-install-recommends -f install >&2 || die 'the package does not install (see above)'
fi
in_image dpkg -s cloudroid | grep -q '^Status: install ok installed' || die 'the package is not installed properly (see above)'
rm -f "$tree/cloudroid.deb" "$tree/usr/sbin/policy-rc.d" "$tree/etc/resolv.conf"
for file in usr/sbin/policy-rc.d etc/resolv.conf; do
  if [ -e "$tree/$file.before-cloudroid" ] || [ -L "$tree/$file.before-cloudroid" ]; then mv "$tree/$file.before-cloudroid" "$tree/$file"; fi
done
