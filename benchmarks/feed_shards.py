"""How many writes a second the feed takes, by its number of shards, where a partition takes 1,000 at most.

A simulation, without a database. Items arrive at random times, their ids are UUIDv5s of urls, and the shard
of each is the dao's. What a partition can't take in its second is refused, as DynamoDB refuses a write to a
table one of whose indexes can't take more
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/gsi-throttling.html).
Nothing is saved up for bursts, and partitions do not split.
"""

import random
from collections import Counter
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

from shared.dynamodb.tables import first_page_size

SECONDS = 20
PARTITION_WRITES = 1000
PARTITION_READS = 3000
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""

SHARDS = (1, 2, 4, 8, 16, 32, 64)
OFFERED = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
HOTTEST_CATEGORY = 0.2
"""The share of its items: a category's index has no shards."""

LIMIT = 20
ITEM_KB = 0.5


def ids(count: int) -> list[bytes]:
    return [str(uuid5(NAMESPACE_URL, f"https://example.com/{number}")).encode() for number in range(count)]


def refused(offered: int, shards: int, pool: list[int], chance: random.Random) -> float:
    """The share of writes that a shard could not take."""
    written = lost = 0
    for _ in range(SECONDS):
        arrivals = round(chance.gauss(offered, offered**0.5))
        in_shard = Counter(checksum % shards for checksum in chance.choices(pool, k=arrivals))
        lost += sum(max(0, count - PARTITION_WRITES) for count in in_shard.values())
        written += arrivals
    return lost / written


def main() -> None:
    chance = random.Random(1)
    pool = [crc32(each) for each in ids(200_000)]
    print("writes refused, by FEED_SHARDS:\n")
    print(f"| writes/s | {' | '.join(map(str, SHARDS))} |\n|{' --- |' * (len(SHARDS) + 1)}")
    for offered in OFFERED:
        shares = (refused(offered, shards, pool, chance) for shards in SHARDS)
        cells = [f"{share:.1%}" if share else "-" for share in shares]
        print(f"| {offered:,} | {' | '.join(cells)} |")
    print(f"\na first page of {LIMIT} items:\n")
    print("| shards | items read of each | of all | units | pages/s |\n| --- | --- | --- | --- | --- |")
    for shards in SHARDS:
        size = first_page_size(LIMIT + 1, shards)
        units = -(-size * ITEM_KB // 4) / 2  # half a unit for each 4 KB that a query reads, rounded up
        pages = PARTITION_READS / units
        print(f"| {shards} | {size} | {size * shards} | {units * shards} | {pages:,.0f} |")
    print(f"\na category with {HOTTEST_CATEGORY:.0%} of the items takes {PARTITION_WRITES:,} writes/s,")
    print(f"so that all of them together can't be more than {PARTITION_WRITES / HOTTEST_CATEGORY:,.0f}")


if __name__ == "__main__":
    main()
