"""What every request passes through before the page and the APIs, and who can reach them at all."""
