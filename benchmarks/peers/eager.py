"""This service with all of it imported, and its client of DynamoDB made, when the function starts."""

from functions.news import handler, settings
from news.dao import NewsDao

dao = NewsDao(settings)

__all__ = ["handler"]
