"""This service with every import and the DynamoDB client created during initialization."""

from functions.news import handler, settings
from news.dao import NewsDao

dao = NewsDao(settings)

__all__ = ["handler"]
