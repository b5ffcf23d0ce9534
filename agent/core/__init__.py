"""Values and rules that every other room may use: no runner, no store, no web."""
