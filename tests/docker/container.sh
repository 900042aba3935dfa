#!/usr/bin/env bash
# container.sh FOLDER SCRIPT: runs SCRIPT as root of a copy of this system, with a loopback network of
# its own. What it writes goes to memory, but for FOLDER, which is there as /shared. Run it under
# unshare --mount --net.
set -euo pipefail

room=$(mktemp -d)
mount -t tmpfs tmpfs "$room"
mkdir "$room"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/root"
mount --rbind /dev "$room/root/dev"
mount -t proc proc "$room/root/proc"
mkdir -p "$room/root/shared"
mount --bind "$1" "$room/root/shared"
ip link set lo up
status=0
chroot "$room/root" bash "/shared/$2" || status=$?
exit "$status"
