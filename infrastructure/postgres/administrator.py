"""SQL for an administrator of the database, whose owner may make no roles."""

from infrastructure.postgres.database import APP_ROLE

OWNER_ROLE = "wardbook_owner"

ADMINISTRATOR_SQL = f"""\
-- Once, as a superuser (psql). Give each login its password by \\password, never in a file.
CREATE ROLE {OWNER_ROLE} LOGIN;
CREATE ROLE {APP_ROLE} LOGIN;
CREATE DATABASE wardbook OWNER {OWNER_ROLE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE CONNECT, TEMPORARY ON DATABASE wardbook FROM PUBLIC;
GRANT CONNECT ON DATABASE wardbook TO {APP_ROLE};
"""
"""SQL that makes the two logins and the database. The owner then runs `wardbook migrate`."""
