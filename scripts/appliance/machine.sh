# Sourced after check.sh: machines booted by systemd-nspawn on one bridge, in a network namespace of their own.
# shellcheck shell=bash source-path=SCRIPTDIR disable=SC2154,SC2016
# A machine's disk is $work/machines/NAME; it is started and cut off like a board: kill_machine is a pulled plug.
net=cloudroid-$$
bridge_address=10.77.0.254
declare -A machine_pid=()
machine_suite=trixie
machine_packages=systemd-sysv,dbus,procps,libatomic1,libstdc++6,iproute2,init-system-helpers,curl,libnss-myhostname

network_up() {
  ip netns add "$net" && on_exit "ip netns del $net"
  ip netns exec "$net" sh -c "ip link set lo up; ip link add br0 type bridge; ip link set br0 up; ip addr add $bridge_address/24 dev br0"
  on_exit stop_machines
}

# On the bridge, as a client.
client() { ip netns exec "$net" "$@"; }

# make_machine NAME: a Debian with the package installed, never started.
make_machine() {
  local disk=$work/machines/$1 base
  if [ ! -d "$work/installed" ]; then
    base=$(debian_tar "$machine_packages" "$machine_suite") || return 1
    mkdir -p "$work/installed" "$work/machines" && tar -C "$work/installed" -xpf "$base" || return 1
    cp "$deb" "$work/installed/root/cloudroid.deb"
    mount -t proc proc "$work/installed/proc"
    chroot "$work/installed" dpkg -i /root/cloudroid.deb >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2 && umount "$work/installed/proc" && return 1; }
    umount "$work/installed/proc"
    rm -f "$work/installed/etc/machine-id" "$work/installed/var/lib/dbus/machine-id"
    : >"$work/installed/etc/machine-id"
    # What is not of interest and takes time.
    rm -f "$work/installed/etc/systemd/system/timers.target.wants/"*
    mkdir -p "$work/installed/var/log/journal"
  fi
  cp -a "$work/installed" "$disk"
  echo "$1" >"$disk/etc/hostname"
}

# start_machine NAME ADDRESS: boots it; returns at once when its first process runs and has its address.
start_machine() {
  local name=$1 address=$2 nspawn child
  client unshare -m bash -c '
    umount -R /sys/fs/cgroup 2>/dev/null
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    exec systemd-nspawn --quiet -D "$0" -M "$1" --boot --register=no --keep-unit --network-bridge=br0 --resolv-conf=off --timezone=off --link-journal=no' \
    "$work/machines/$name" "$name" >"$work/$name.console" 2>&1 </dev/null &
  nspawn=$!
  for _ in {1..150}; do
    child=$(first_process "$nspawn") && nsenter -t "$child" -n ip link show host0 >/dev/null 2>&1 && break
    child=
    sleep 0.1
  done
  [ -n "$child" ] || { cat "$work/$name.console" >&2 && kill -9 "$nspawn" && return 1; }
  machine_pid[$name]=$child
  nsenter -t "$child" -n sh -c "ip addr add $address/24 dev host0; ip link set host0 up; ip link set lo up" 2>/dev/null
}

# The process below $1 that is number 1 in a process namespace of its own; what stands between still belongs to this machine.
first_process() {
  local pid
  for pid in $(pgrep -P "$1"); do
    if [[ $(grep '^NSpid:' "/proc/$pid/status" 2>/dev/null) =~ [[:space:]]1$ ]]; then
      echo "$pid"
      return 0
    fi
    first_process "$pid" && return 0
  done
  return 1
}

# inside NAME COMMAND...: as root in the running machine.
inside() {
  local name=$1
  shift
  # Never by mistake on this machine.
  [ -n "${machine_pid[$name]:-}" ] || return 1
  nsenter -t "${machine_pid[$name]}" -m -u -i -n -p -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# Pulls the plug: no process of it does anything more. What was flushed is there, what was not may be.
kill_machine() {
  kill -9 "${machine_pid[$1]}" 2>/dev/null
  gone "$1"
}

# Asks it to power off, as the button does (systemd(1), SIGRTMIN+4), and waits.
power_off() {
  kill -s RTMIN+4 "${machine_pid[$1]}" 2>/dev/null
  gone "$1"
}

gone() {
  local pid=${machine_pid[$1]}
  for _ in {1..900}; do
    [ -d "/proc/$pid" ] || break
    sleep 0.1
  done
  ! [ -d "/proc/$pid" ] || { echo "$1 is still running" && return 1; }
  unset "machine_pid[$1]"
  # The next start wants the name of the interface.
  for _ in {1..50}; do
    client ip link show "vb-$1" >/dev/null 2>&1 || return 0
    sleep 0.1
  done
}

stop_machines() {
  local name
  for name in "${!machine_pid[@]}"; do kill_machine "$name"; done
  sleep 0.5
}

# Does FTP answer there?
greets() { client timeout 3 bash -c "exec 3<>/dev/tcp/$1/6000 && read -r -t 3 line <&3 && [[ \$line == 220* ]]"; }
active() { [ "$(inside "$1" systemctl is-active "$2")" = active ]; }
main_pid() { inside "$1" systemctl show -p MainPID --value "$2"; }
