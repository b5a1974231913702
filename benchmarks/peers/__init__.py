"""Other implementations of one view, each small and written as its documentation shows."""
