"""Other ways to write one view of the service, each small and as its own documentation has it."""
