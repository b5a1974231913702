"""The DynamoDB table of the news module: attributes, keys and indexes."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.dynamodb.conditional_writes import VersionedRecord
from shared.dynamodb.tables import TimestampAttribute


class FeedIndex(GlobalSecondaryIndex["NewsRecord"]):
    """All items by time, in one partition per feed shard."""

    class Meta:
        """Name and projection."""

        index_name = "by_feed"
        projection = AllProjection()

    feed = UnicodeAttribute(hash_key=True)
    sort = UnicodeAttribute(range_key=True)


class CategoryIndex(GlobalSecondaryIndex["NewsRecord"]):
    """The items of a category by time."""

    class Meta:
        """Name and projection."""

        index_name = "by_category"
        projection = AllProjection()

    category = UnicodeAttribute(hash_key=True)
    sort = UnicodeAttribute(range_key=True)


class SourceIndex(GlobalSecondaryIndex["NewsRecord"]):
    """The items of a source by time."""

    class Meta:
        """Name and projection."""

        index_name = "by_source"
        projection = AllProjection()

    source = UnicodeAttribute(hash_key=True)
    sort = UnicodeAttribute(range_key=True)


class NewsRecord(VersionedRecord):
    """An item of the table. The DAO binds it to the table of a stage.

    `id`, `version`, `created_at` and `updated_at` are attributes of VersionedRecord.
    """

    title = UnicodeAttribute()
    url = UnicodeAttribute()
    source = UnicodeAttribute()
    category = UnicodeAttribute()
    summary = UnicodeAttribute(null=True)
    published_at = TimestampAttribute()
    feed = UnicodeAttribute()
    sort = UnicodeAttribute()

    by_feed = FeedIndex()
    by_category = CategoryIndex()
    by_source = SourceIndex()


def feed_key(shard: int) -> str:
    """Return the partition key of a feed shard; shards are numbered from 0."""
    return f"all#{shard}"
