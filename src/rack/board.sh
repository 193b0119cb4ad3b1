#!/bin/sh
# One board: holds its file system together and starts it again when it reboots. Ends when the board is off.
#   board.sh RACK BOARD BASE CHECKOUT CGROUP...
# Started in a mount namespace of its own, so that no mount of it outlives it or shows outside, and in the network
# namespace where the rack's bridge is. Takes no signal of its own: `pull` kills the board's PID 1, which ends this too.
set -eu
rack=$1 board=$2 base=$3 checkout=$4
shift 4
cd "$rack/boards/$board" # relative paths below, since a mount option could hold no comma or colon
mount -t overlay overlay -o "lowerdir=../../base/$base,upperdir=upper,workdir=work" root

boot() {
  # Entered by a shell that becomes nspawn: this one stays outside, since a v2 group with children holds no process.
  sh -c 'machine=$1 dir=$2 checkout=$3
    shift 3
    for group; do echo 0 >"$group/cgroup.procs"; done
    exec systemd-nspawn --quiet --boot --console=pipe --directory="$dir/root" \
      --machine="bramble-$machine" --hostname="$machine" --register=no --keep-unit \
      --network-bridge=rack0 --resolv-conf=off --timezone=off --link-journal=no \
      --capability=all --system-call-filter="add_key keyctl bpf" \
      --bind="$dir/persistent/containerd:/var/lib/containerd" \
      --bind="$dir/persistent/kubelet:/var/lib/kubelet" \
      --bind="$dir/persistent/bramble:/var/lib/bramble" \
      --bind-ro="$checkout:/opt/bramble:norbind" --tmpfs=/opt/bramble/.rack:mode=0555' \
    sh "$board" "$PWD" "$checkout" "$@"
}

code=133
while [ "$code" = 133 ]; do # how nspawn says that the board wants to start again
  code=0
  boot "$@" || code=$?
done
exit "$code"
