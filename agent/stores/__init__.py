"""Where conversations are kept, for how long, and what happens when the database is down."""
