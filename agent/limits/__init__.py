"""How much a visitor, an address and the whole app may have."""
