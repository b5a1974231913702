"""`make package`: the Lambda artifact of a module."""
