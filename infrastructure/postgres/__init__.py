"""The PostgreSQL database: connections, migrations, and the embedded server."""
