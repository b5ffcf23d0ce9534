"""A transcript as chat messages, as files and as documents."""
