# Sourced after check.sh: a machine in QEMU, started from an image as a board starts from its card.
# shellcheck shell=bash disable=SC2034,SC2154
qemu_pid=''
port=0
ssh_port=0
guest=(curl -sS --max-time 60 --disable-epsv --ftp-skip-pasv-ip)
# An arm64 board: Debian's U-Boot finds boot.scr as that of boards does.
board=(qemu-system-aarch64 -M virt -cpu cortex-a53 -smp 2 -m 1024 -bios /usr/lib/u-boot/qemu_arm64/u-boot.bin)
bus=device

# A port of this machine that nobody uses.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_card IMAGE [OPTION...]: boots it; port 6000 and the passive ports are reached on 127.0.0.1. Options are QEMU's.
start_card() {
  local image=$1 forwards passive
  shift
  port=$(free_port)
  ssh_port=$(free_port)
  forwards="hostfwd=tcp:127.0.0.1:$port-:6000,hostfwd=tcp:127.0.0.1:$ssh_port-:22"
  for passive in {30000..30099}; do forwards+=",hostfwd=tcp:127.0.0.1:$passive-:$passive"; done
  "${board[@]}" -nographic -drive "file=$image,format=raw,if=none,id=card" -device "virtio-blk-$bus,drive=card" \
    -netdev "user,id=net,$forwards" -device "virtio-net-$bus,netdev=net" -device "virtio-rng-$bus" \
    -chardev "socket,id=monitor,path=$work/monitor,server=on,wait=off" -mon chardev=monitor,mode=readline \
    -no-reboot "$@" >"$work/qemu.log" 2>&1 </dev/null &
  qemu_pid=$!
}

# The plug is pulled.
stop_card() {
  [ -n "$qemu_pid" ] || return 0
  kill "$qemu_pid" 2>/dev/null
  wait "$qemu_pid" 2>/dev/null
  qemu_pid=''
}
on_exit stop_card

# monitor COMMAND: what somebody does to the machine, such as pulling out a disk.
monitor() {
  python3 - "$work/monitor" "$1" <<'PY'
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(1)
s.sendall(sys.argv[2].encode() + b'\n')
time.sleep(0.5)
print(s.recv(65536).decode(errors='replace'))
PY
}

# QEMU takes connections before the guest does: only the greeting counts.
card_greets() { timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port && read -r -t 8 line <&3 && [[ \$line == 220* ]]"; }
# wait_for counts by attempts that may take 10 s each.
wait_for_card() {
  local until=$((SECONDS + $1))
  until card_greets 2>/dev/null; do
    [ "$SECONDS" -lt "$until" ] || return 1
    kill -0 "$qemu_pid" 2>/dev/null || return 1
    sleep 1
  done
}

# boot TEXT IMAGE [OPTION...]: to the greeting, or the tier ends.
boot() {
  local text=$1 began=$SECONDS
  shift
  start_card "$@"
  if wait_for_card 400; then
    ok "$text: power on to 220 in $((SECONDS - began)) seconds (emulated)"
  else
    not_ok "$text: boots to 220 on port 6000" "$(tr -d '\r' <"$work/qemu.log" | tail -n 40)"
    finish
  fi
}
url() { echo "ftp://guest:guest@127.0.0.1:$port"; }

ssh_options=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes)
# on_board COMMAND: as root, by ssh with the key of $work/ssh.
on_board() { timeout 120 ssh -q -p "$ssh_port" "${ssh_options[@]}" -i "$work/ssh" root@127.0.0.1 "$@"; }

# partition_at IMAGE NUMBER: where it begins, in bytes.
partition_at() { sfdisk --json "$1" | jq --arg n "$2" '.partitiontable.partitions[] | select(.node | test("[^0-9]" + $n + "$")) | .start * 512'; }

# root_of IMAGE: mounts the image's last partition; prints where.
root_of() {
  local start
  start=$(sfdisk --json "$1" | jq '[.partitiontable.partitions[]] | max_by(.start) | .start * 512')
  mkdir -p "$work/mnt"
  mount -o "loop,offset=$start" "$1" "$work/mnt" && on_exit "umount '$work/mnt' 2>/dev/null"
  echo "$work/mnt"
}
