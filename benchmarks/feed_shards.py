"""Simulates throttled writes by the number of feed shards. A partition accepts 1,000 writes per second.

Items arrive at random times. Their ids are UUIDv5s of URLs; the DAO's hash assigns the shard. Writes above
a partition's limit in one second are throttled, as DynamoDB throttles a table when one of its indexes is
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/gsi-throttling.html).
The simulation has no burst capacity and no partition splits, and needs no database.
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
"""Fraction of items in the largest category. The category index has no shards."""

LIMIT = 20
ITEM_KB = 0.5


def ids(count: int) -> list[bytes]:
    return [str(uuid5(NAMESPACE_URL, f"https://example.com/{number}")).encode() for number in range(count)]


def throttled_fraction(offered: int, shards: int, pool: list[int], rng: random.Random) -> float:
    written = throttled = 0
    for _ in range(SECONDS):
        arrivals = round(rng.gauss(offered, offered**0.5))
        in_shard = Counter(checksum % shards for checksum in rng.choices(pool, k=arrivals))
        throttled += sum(max(0, count - PARTITION_WRITES) for count in in_shard.values())
        written += arrivals
    return throttled / written


def main() -> None:
    rng = random.Random(1)
    pool = [crc32(item_id) for item_id in ids(200_000)]
    print("throttled writes, by FEED_SHARDS:\n")
    print(f"| writes/s | {' | '.join(map(str, SHARDS))} |\n|{' --- |' * (len(SHARDS) + 1)}")
    for offered in OFFERED:
        fractions = (throttled_fraction(offered, shards, pool, rng) for shards in SHARDS)
        cells = [f"{fraction:.1%}" if fraction else "-" for fraction in fractions]
        print(f"| {offered:,} | {' | '.join(cells)} |")
    print(f"\na first page of {LIMIT} items:\n")
    print("| shards | items read per shard | in total | units | pages/s |\n| --- | --- | --- | --- | --- |")
    for shards in SHARDS:
        size = first_page_size(LIMIT + 1, shards)
        units = -(-size * ITEM_KB // 4) / 2  # half a unit for each 4 KB that a query reads, rounded up
        pages = PARTITION_READS / units
        print(f"| {shards} | {size} | {size * shards} | {units * shards} | {pages:,.0f} |")
    print(f"\na category with {HOTTEST_CATEGORY:.0%} of the items accepts {PARTITION_WRITES:,} writes/s,")
    print(f"so the table accepts {PARTITION_WRITES / HOTTEST_CATEGORY:,.0f} writes/s at most")


if __name__ == "__main__":
    main()
