#!/bin/sh
# mount-data PATH DEVICE: the volume with the host's data, formatted if it is new, mounted at PATH.
# It is attached while the host boots: wait for it.
set -eu
path=$1 device=$2 seconds=0

until mountpoint -q "$path" || [ -b "$device" ]; do
    [ "$seconds" -lt 300 ] || { echo "mount-data: no $device after $seconds s" >&2; exit 1; }
    sleep 1
    seconds=$((seconds + 1))
done
! mountpoint -q "$path" || exit 0

blkid "$device" >/dev/null || mkfs.ext4 -q "$device"
mkdir -p "$path"
# Whoever has data there starts after it.
options=defaults,nofail,x-systemd.before=local-fs.target,x-systemd.device-timeout=60s
echo "$device $path ext4 $options 0 2" >>/etc/fstab
mount "$path"
