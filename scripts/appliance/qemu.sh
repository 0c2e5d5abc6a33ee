# Sourced after check.sh: an arm64 machine in QEMU, started by U-Boot from an image, as a board starts from its card.
# shellcheck shell=bash disable=SC2154
qemu_pid=''
port=0
ssh_port=0

# A port of this machine that nobody uses.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_card IMAGE: boots it; port 6000 and the passive ports are reached on 127.0.0.1.
start_card() {
  local forwards passive
  port=$(free_port)
  ssh_port=$(free_port)
  forwards="hostfwd=tcp:127.0.0.1:$port-:6000,hostfwd=tcp:127.0.0.1:$ssh_port-:22"
  for passive in {30000..30099}; do forwards+=",hostfwd=tcp:127.0.0.1:$passive-:$passive"; done
  qemu-system-aarch64 -M virt -cpu cortex-a53 -smp 2 -m 1024 -nographic -bios /usr/lib/u-boot/qemu_arm64/u-boot.bin \
    -drive "file=$1,format=raw,if=none,id=card" -device virtio-blk-device,drive=card \
    -netdev "user,id=net,$forwards" -device virtio-net-device,netdev=net -device virtio-rng-device \
    -no-reboot >"$work/qemu.log" 2>&1 </dev/null &
  qemu_pid=$!
}

stop_card() {
  [ -n "$qemu_pid" ] || return 0
  kill "$qemu_pid" 2>/dev/null
  wait "$qemu_pid" 2>/dev/null
  qemu_pid=''
}
on_exit stop_card

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

# root_of IMAGE: mounts the image's last partition; prints where.
root_of() {
  local start
  start=$(sfdisk --json "$1" | jq '[.partitiontable.partitions[]] | max_by(.start) | .start * 512')
  mkdir -p "$work/mnt"
  mount -o "loop,offset=$start" "$1" "$work/mnt" && on_exit "umount '$work/mnt' 2>/dev/null"
  echo "$work/mnt"
}
