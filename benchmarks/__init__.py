"""What produces every number that is written down about this project."""
