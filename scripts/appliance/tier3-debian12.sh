#!/bin/bash
# one machine with Debian 12, whose systemd is older: start, crash, watchdog, exposure, power off
# shellcheck source-path=SCRIPTDIR disable=SC2034,SC2317,SC2154
. "$(dirname "$0")/check.sh"
. "$(dirname "$0")/machine.sh"
need 'a machine in a container' mmdebstrap systemd-nspawn ip curl unshare

deb=$(deb_of "$(dpkg --print-architecture)") || { not_ok 'the package is built' && finish; }
network_up || { skip 'a machine in a container: no network namespace can be made here' && finish; }
machine_suite=bookworm
make_machine old || { not_ok 'a machine is made' && finish; }
at=10.77.0.1
units=(cloudroid-ftp cloudroid-proxy cloudroid-sweep)
url=ftp://guest:guest@$at:6000
start_machine old $at || { skip 'systemd-nspawn does not start here' && finish; }
check 'it boots to 220 on port 6000' wait_for 60 greets $at
[ $failures = 0 ] || { tail -n 40 "$work/old.console" && finish; }
for unit in "${units[@]}"; do check "$unit is active" wait_for 30 active old "$unit"; done
echo hello >"$work/hello.txt"
check 'a file goes in' client curl -sS --max-time 20 -T "$work/hello.txt" $url/
check 'and comes out' test "$(client curl -sS --max-time 20 $url/hello.txt)" = hello
for unit in "${units[@]}"; do
  before=$(main_pid old "$unit")
  inside old kill -SEGV "$before"
  back() { active old "$unit" && [ "$(main_pid old "$unit")" != "$before" ] && [ "$(main_pid old "$unit")" != 0 ]; }
  check "$unit is back after a crash" wait_for 30 back
done
before=$(main_pid old cloudroid-proxy)
unit=cloudroid-proxy
inside old kill -STOP "$before"
check 'a hung gateway is killed by the watchdog and back' wait_for 75 back
for unit in "${units[@]}"; do
  score=$(inside old systemd-analyze security --no-pager "$unit.service" | sed -n 's/.*: \([0-9.]*\) [A-Z].*/\1/p' | tail -n 1)
  if [ -n "$score" ] && awk -v s="$score" 'BEGIN { exit !(s <= 2.0) }'; then ok "exposure of $unit there: $score"; else not_ok "exposure of $unit there is at most 2.0" "${score:-none}"; fi
done
# A gateway tells its storage server how it is every 3 seconds, and this one is new.
check 'doctor finds no problem' wait_for 15 inside old cloudroid doctor
check 'it powers off cleanly' power_off old
finish
