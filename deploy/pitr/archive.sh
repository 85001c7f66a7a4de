#!/bin/sh
# Keep a finished segment of the WAL: archive_command = '/opt/wardbook/deploy/pitr/archive.sh "%p" "%f" /archive'
# Whole or not at all, on the disk before it counts as kept, and never over another of that name.
set -eu
segment=$1 name=$2 archive=$3
if [ -e "$archive/$name" ]; then
    cmp -s "$segment" "$archive/$name" # kept before a crash: the same again is no error
    exit
fi
cp "$segment" "$archive/.$name.part"
sync "$archive/.$name.part"
mv "$archive/.$name.part" "$archive/$name"
sync "$archive"
