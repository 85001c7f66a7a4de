#!/bin/sh
# Makes the database and the application's login once there is a primary, and nothing if they are there.
# PGHOST, PGPORT, PGUSER and PGPASSWORD name the primary, WARDBOOK_APP_PASSWORD is the login's.
set -eu
ask() { psql --no-psqlrc --tuples-only --no-align --dbname=postgres --command="$1"; }

until [ "$(ask 'SELECT pg_is_in_recovery()')" = f ]; do sleep 1; done
if [ -z "$(ask "SELECT 1 FROM pg_database WHERE datname = 'wardbook'")" ]; then
  ask "CREATE DATABASE wardbook TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
fi
if [ -z "$(ask "SELECT 1 FROM pg_roles WHERE rolname = 'wardbook_app'")" ]; then
  POSTGRES_USER=$PGUSER POSTGRES_DB=postgres sh "$(dirname "$0")/../postgres/application-role.sh"
fi
