"""The DAO's first page, with the signature of a Lambda handler."""

from news.dao import NewsDao
from news.model import NewsFilter
from shared.config import Settings

dao = NewsDao(Settings.from_env())


def handler(event, context):
    return dao.page(NewsFilter(), None, 20).items
