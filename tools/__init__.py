"""Developer commands; never deployed."""
