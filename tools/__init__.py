"""What a developer runs; never deployed."""
