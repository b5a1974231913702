"""What every module needs; knows no module."""
