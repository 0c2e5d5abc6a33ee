#!/bin/bash
# unit files, exposure, lintian, shellcheck
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/check.sh"
need 'unit files and packages' mmdebstrap lintian shellcheck dpkg-deb

mapfile -t scripts < <(cd "$root" && git ls-files 2>/dev/null | while read -r file; do
  head -c 60 "$file" | head -n 1 | tr -d '\0' | grep -qE '^#!/bin/(ba)?sh' && echo "$file"
done)
check "shellcheck finds nothing in ${#scripts[@]} scripts" sh -c "cd '$root' && shellcheck -x ${scripts[*]}"

deb=$(deb_of "$(dpkg --print-architecture)") || { not_ok 'the package is built' && finish; }
ok "the package is built: $(du -h "$deb" | cut -f1)"
said=$(lintian --fail-on error "$deb" 2>&1)
status=$?
if [ $status = 0 ]; then ok "lintian finds no error ($(grep -c '^W:' <<<"$said") warnings)"; else not_ok 'lintian finds no error' "$said"; fi

base=$(debian_tar systemd-sysv,dbus,procps,libatomic1,libstdc++6,iproute2,init-system-helpers,curl,libnss-myhostname) ||
  { not_ok 'a Debian root is made' && finish; }
mkdir "$work/root" && tar -C "$work/root" -xpf "$base"
cp "$deb" "$work/root/tmp/cloudroid.deb"
check 'the package installs into a root that does not run' chroot "$work/root" dpkg -i /tmp/cloudroid.deb
mapfile -t units < <(cd "$root/systemd" && find . -name '*.service' -o -name '*.target' | sed 's#./##' | sort)
said=$(chroot "$work/root" systemd-analyze verify --man=no "${units[@]}" 2>&1)
if [ -z "$said" ]; then ok "systemd finds nothing wrong in ${units[*]}"; else not_ok 'systemd finds nothing wrong in the units' "$said"; fi
for unit in "${units[@]}"; do
  case $unit in *.service) ;; *) continue ;; esac
  score=$(chroot "$work/root" systemd-analyze security --offline=true "$unit" 2>/dev/null | sed -n 's/.*: \([0-9.]*\) [A-Z].*/\1/p' | tail -n 1)
  if [ -n "$score" ] && awk -v s="$score" 'BEGIN { exit !(s <= 2.0) }'; then ok "exposure of $unit: $score"; else not_ok "exposure of $unit is at most 2.0" "${score:-none}"; fi
  # A comment above each line, or above the first of several of one kind.
  bare=$(awk -F= '/^\[Install\]/ {exit} /^# What the process may/ {on = 1} !on {next} /^#/ {why = 1; next}
    /^[A-Z]/ && !why && substr($1, 1, 8) != last {print} {why = 0; last = substr($1, 1, 8)}' "$root/systemd/$unit")
  if [ -z "$bare" ]; then ok "every sandbox line of $unit has its reason"; else not_ok "every sandbox line of $unit has its reason" "$bare"; fi
done
finish
