"""Conversations with an agent, without any interface: load it, ask it, watch and stop a turn."""
