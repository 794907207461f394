"""Everything that knows SQL: tables, migrations, and one plain function for each query or command."""
