"""Changes of items that have revisions: the expected revision, and SDK retries."""

import pytest

from shared.errors import Conflict, Stale, Unavailable, UnreadableItem
from shared.revisions import accept_own_retry, get_in_revision
from support.fakes import stored

ITEM = stored()


def test_an_item_in_an_expected_revision_is_returned():
    assert get_in_revision({ITEM.id: ITEM}.__getitem__, ITEM.id, {"another", ITEM.revision}) is ITEM


def test_an_item_in_another_revision_is_stale():
    with pytest.raises(Stale, match="get it again for its current ETag"):
        get_in_revision({ITEM.id: ITEM}.__getitem__, ITEM.id, {"another"})


def test_an_unreadable_item_is_stale_and_other_errors_pass():
    def fail(error):
        raise error

    with pytest.raises(Stale, match="unreadable"):
        get_in_revision(lambda _: fail(UnreadableItem("malformed")), ITEM.id, {ITEM.revision})
    with pytest.raises(Unavailable):
        get_in_revision(lambda _: fail(Unavailable("down")), ITEM.id, {ITEM.revision})


@pytest.mark.parametrize("error", [Conflict, Stale])
def test_a_failed_condition_is_accepted_only_if_the_write_is_done(error):
    with accept_own_retry(lambda: True):
        raise error("changed concurrently")
    with pytest.raises(error), accept_own_retry(lambda: False):
        raise error("changed concurrently")


def test_a_write_that_succeeds_or_fails_otherwise_is_not_verified():
    def is_done():
        pytest.fail("read from the table")

    with accept_own_retry(is_done):
        pass
    with pytest.raises(Unavailable), accept_own_retry(is_done):
        raise Unavailable("down")
