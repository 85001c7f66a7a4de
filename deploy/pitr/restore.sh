#!/bin/sh
# Make the data folder of a server at a moment, from a base backup and the WAL archive:
#   restore.sh BASE ARCHIVE DATA [MOMENT]      as PostgreSQL's user; without MOMENT: to the archive's end
# Then start PostgreSQL on DATA, wait until pg_is_in_recovery() is false, and run: wardbook new-epoch
set -eu
base=$1 archive=$2 data=$3 moment=${4:-}
if [ -e "$data" ]; then
    echo "$data is there already: name a folder that is not." >&2
    exit 2
fi
cp -a "$base" "$data"
chmod 0700 "$data"
rm -f "$data/postmaster.pid" "$data/standby.signal"
{
    echo "restore_command = 'cp \"$archive/%f\" \"%p\"'"
    echo "archive_mode = off" # its timeline gets an archive of its own
    echo "recovery_target_action = promote"
    if [ -n "$moment" ]; then
        echo "recovery_target_time = '$moment'"
    fi
} >>"$data/postgresql.auto.conf"
touch "$data/recovery.signal"
