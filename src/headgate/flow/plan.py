"""Plans: intent + state -> steps. Pure: nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, assert_never, cast, get_args

from headgate.model.batch import Mode, Object
from headgate.model.contract import TableContract
from headgate.model.errors import WrongUse
from headgate.model.event import Json
from headgate.model.names import BatchId, RefName, TableName
from headgate.model.rule import OnFail


@dataclass(frozen=True, slots=True)
class LoadIntent:
    """What a load was asked to do. Kept with the run, so that it can be told and planned again.

    ``contract`` are the bytes of a new contract; None takes the target's. ``parent`` is the quarantine that a
    replay takes its rows from, or (``mended``) brings other rows in the stead of. ``baseline``: rows that are there
    may fail the new contract; how many is recorded, and may not grow.
    """

    table: TableName
    target: RefName
    mode: Mode = "append"
    contract: bytes | None = None
    batch: BatchId | None = None
    again: bool = False
    on_fail: OnFail | None = None
    max_quarantined: Decimal | None = None
    order_by: str | None = None
    unguarded: bool = False
    allowed: frozenset[str] = frozenset()
    format: str | None = None
    parent: str | None = None
    mended: bool = False
    baseline: bool = False

    def told(self) -> Mapping[str, Json]:
        """For the run's record and events: everything but the contract's bytes."""
        said: dict[str, Json] = {"table": self.table, "target": self.target, "mode": self.mode}
        for name in ("batch", "on_fail", "order_by", "format", "parent"):
            if getattr(self, name) is not None:
                said[name] = getattr(self, name)
        if self.max_quarantined is not None:
            said["max_quarantined"] = str(self.max_quarantined)
        for name in ("again", "unguarded", "mended", "baseline"):
            if getattr(self, name):
                said[name] = True
        return said


@dataclass(frozen=True, slots=True)
class LoadState:
    """What there is when a load is planned."""

    contract: TableContract
    adopts: bool  # a new contract comes with it, or the first one
    table_exists: bool
    duplicate: bool
    objects: tuple[Object, ...]
    skipped: tuple[Object, ...]


# -- steps --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SkipDelivered:
    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class AnswerDuplicate:
    """All of it is there already: nothing is done."""


@dataclass(frozen=True, slots=True)
class CheckAdoption:
    """The new contract against the rows that are there; ``baseline``: those that fail are put up with."""

    table: TableName
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class OpenBranch:
    table: TableName
    target: RefName


@dataclass(frozen=True, slots=True)
class Collapse:
    """Identical rows collapse by primary key; under merge, ``order_by`` decides between versions."""

    keys: tuple[str, ...]
    order_by: str | None


@dataclass(frozen=True, slots=True)
class CheckDelivery:
    objects: tuple[Object, ...]
    rules: int
    on_fail: OnFail
    max_quarantined: Decimal


@dataclass(frozen=True, slots=True)
class Stage:
    """Good rows as data files on the branch, bad ones as one file in quarantine."""

    mode: Mode
    creates: bool


@dataclass(frozen=True, slots=True)
class PublishMerged:
    """Merge onto the target as it is then, check the merged result, switch; again if somebody was first."""

    target: RefName
    table_rules: int


Step = (
    SkipDelivered | AnswerDuplicate | CheckAdoption | OpenBranch | Collapse | CheckDelivery | Stage | PublishMerged
)  # fmt: skip


def plan_load(intent: LoadIntent, state: LoadState) -> tuple[Step, ...]:
    """The steps of a load. Raises WrongUse where intent and contract contradict each other."""
    contract = state.contract
    if intent.mode == "merge" and not contract.primary_key:
        raise WrongUse(
            f"{intent.table} has no primary key to merge by",
            hint="declare primaryKey in the contract, or use --mode append or replace",
            place=str(intent.table),
        )
    order_by = contract.policy.order_by
    if intent.order_by is not None and contract.column(intent.order_by) is None:
        raise WrongUse(
            f"{intent.table} has no column {intent.order_by!r} to order by",
            hint=f"choose one of {', '.join(c.name for c in contract.columns)}",
            place="--order-by",
        )
    if intent.baseline and intent.contract is None:
        raise WrongUse(
            "a baseline is recorded when a contract is adopted",
            hint="say which with --contract",
            place="--baseline",
        )
    if intent.baseline and intent.mode == "replace":
        raise WrongUse(
            "a baseline is about rows that stay, and --mode replace leaves none",
            hint="leave out --baseline; --on-fail says what becomes of rows that come",
            place="--baseline",
        )
    if state.duplicate:
        return (AnswerDuplicate(),)
    steps: list[Step] = []
    if state.skipped:
        steps.append(SkipDelivered(state.skipped))
    if (state.adopts or intent.baseline) and state.table_exists and intent.mode != "replace":
        steps.append(CheckAdoption(intent.table, intent.baseline))
    steps.append(OpenBranch(intent.table, intent.target))
    if contract.primary_key:
        steps.append(Collapse(contract.primary_key, order_by if intent.mode == "merge" else None))
    about_rows = sum(r.about_rows for r in contract.rules)
    policy = contract.policy
    steps += [
        CheckDelivery(state.objects, about_rows, policy.on_fail, policy.max_quarantined),
        Stage(intent.mode, not state.table_exists),
        PublishMerged(intent.target, len(contract.rules) - about_rows),
    ]
    return tuple(steps)


def explain(step: Step) -> str:
    """One step in words."""
    match step:
        case SkipDelivered(objects):
            return f"skip {object_names(objects)}: delivered before"
        case AnswerDuplicate():
            return "nothing to do: everything was delivered before"
        case CheckAdoption(table, baseline):
            known = ", and record how many fail as its baseline" if baseline else ""
            return f"check the new contract against the rows that {table} already has{known}"
        case OpenBranch(table, target):
            return f"branch off {target} for {table}"
        case Collapse(keys, order_by):
            newest = f", newest {order_by} first" if order_by else ""
            return f"collapse identical rows by {', '.join(keys)}{newest}"
        case CheckDelivery(objects, rules, on_fail, limit):
            share = f" (up to {100 * limit:f} %)" if on_fail == "quarantine_rows" else ""
            return f"check {object_names(objects)} against {rules} rules; rows that fail: {on_fail}{share}"
        case Stage(mode, creates):
            return f"{'create the table and ' if creates else ''}{mode} the good rows on the branch"
        case PublishMerged(target, rules):
            return f"merge onto {target}, check the merged result ({rules} rules about the table), publish"
        case _:
            assert_never(step)


def object_names(objects: tuple[Object, ...]) -> str:
    """The first of them, as people call them."""
    shown = [o.location.rsplit("/", 1)[-1] for o in objects[:3]]
    more = f" and {len(objects) - 3} more" if len(objects) > 3 else ""
    return ", ".join(shown) + more


def on_fail_named(text: str) -> OnFail:
    """The value of ``--on-fail``. Raises WrongUse."""
    return cast("OnFail", _one_of("--on-fail", text, get_args(OnFail)))


def mode_named(text: str) -> Mode:
    """The value of ``--mode``. Raises WrongUse."""
    return cast("Mode", _one_of("--mode", text, get_args(Mode)))


def share_named(text: str) -> Decimal:
    """``5%`` or ``0.05``, from 0 to 1. Raises WrongUse."""
    try:
        value = Decimal(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except ArithmeticError:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value <= 1:
        raise WrongUse(
            f"{text!r} is not a share",
            hint="write a percentage such as 5%, or 0.05",
            place="--max-quarantined",
        )
    return value


def _one_of(option: Literal["--on-fail", "--mode"], text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise WrongUse(
            f"{option} {text!r} is not known", hint=f"choose one of {', '.join(known)}", place=option
        )
    return text
