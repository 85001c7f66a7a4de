#!/bin/sh
# Makes the application's login with its password, before the first migration.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=password="$WARDBOOK_APP_PASSWORD" <<'SQL'
CREATE ROLE wardbook_app LOGIN PASSWORD :'password';
SQL
