# shellcheck shell=bash disable=SC2154
# Cloudroid's package
[ -n "$deb" ] || deb=$("$here/../scripts/build-deb" --arch "$arch" --output "$work" | tail -n 1)
cp "$deb" "$builder/cloudroid.deb"
in_builder dpkg --root=/image --force-script-chrootless --force-not-root -i /cloudroid.deb >&2
rm "$builder/cloudroid.deb"
