"""Servers, fakes and helpers that tests share."""
