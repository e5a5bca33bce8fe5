from __future__ import annotations

from datetime import UTC, datetime

from headgate.model.commit import Ref, Release
from headgate.model.environment import Environment
from headgate.model.names import CommitId, RefName
from headgate.promotion.releases import Find, before, idle, promotion, rollback, shown

AT = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTION = Environment(RefName("production"), RefName("main"))
BLUE, GREEN = PRODUCTION.colours


def finding(releases: list[Release]) -> Find:
    return lambda id: next((r for r in reversed(releases) if id in {None, r.id}), None)


def history(*moves: str) -> list[Release]:
    """``A`` promotes commit A, ``<`` rolls back."""
    releases: list[Release] = []
    find = finding(releases)
    for move in moves:
        if move == "<":
            last, to = find(None), before(find)
            assert last is not None
            assert to is not None
            releases.append(rollback(last, to, BLUE, AT))
        else:
            releases.append(promotion(PRODUCTION, find, CommitId(move), BLUE, AT))
    return releases


def shows(*moves: str) -> str | None:
    now = shown(finding(history(*moves)))
    return now.commit if now else None


def test_each_rollback_goes_one_promotion_further_back() -> None:
    assert shows("A", "B", "C") == "C"
    assert shows("A", "B", "C", "<") == "B"
    assert shows("A", "B", "C", "<", "<") == "A"
    assert before(finding(history("A", "B", "C", "<", "<"))) is None


def test_nothing_was_before_the_first_promotion() -> None:
    assert before(finding([])) is None
    assert before(finding(history("A"))) is None


def test_a_release_that_was_rolled_back_is_not_gone_back_to() -> None:
    assert shows("A", "B", "<", "C", "<") == "A"


def test_a_rollback_is_recorded_and_never_gone_back_to() -> None:
    releases = history("A", "B", "<")
    assert [r.kind for r in releases] == ["promotion", "promotion", "rollback"]
    assert [r.id for r in releases] == [1, 2, 3]
    assert before(finding(releases)) is None


def test_the_idle_colour_is_the_one_that_is_not_shown() -> None:
    assert idle(PRODUCTION, None) == BLUE
    assert idle(PRODUCTION, Ref(PRODUCTION.name, "alias", BLUE, 1)) == GREEN
    assert idle(PRODUCTION, Ref(PRODUCTION.name, "alias", GREEN, 1)) == BLUE
