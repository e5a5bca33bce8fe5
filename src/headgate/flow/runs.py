"""Opening and closing runs, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from headgate.catalog.commits import find_ref
from headgate.catalog.telling import telling
from headgate.model.change import Changes, Done, RefChange, RefIs, Refused, Requirement, RunOpen, Unknown
from headgate.model.commit import Ref
from headgate.model.errors import HeadgateError, OutcomeUnknown, Unavailable, WrongUse
from headgate.model.event import Event, Json
from headgate.model.names import BatchId, NodeId, RefName, RunId
from headgate.model.run import Run, RunKind
from headgate.ports import Ports

LEASE = "run-{}"


def write(ports: Ports, changes: Changes, requires: Sequence[Requirement] = ()) -> Done | Refused:
    """`Store.commit`; an unknown outcome is raised: it must be looked up, never taken for a no."""
    match ports.store.commit(telling(changes, requires), requires):
        case Unknown(why):
            raise OutcomeUnknown(
                f"the database did not answer: {why}", hint="run `headgate recover`, which looks it up"
            )
        case outcome:
            return outcome


def must(ports: Ports, changes: Changes, requires: Sequence[Requirement] = ()) -> None:
    """A write that only somebody who took the run over can refuse."""
    outcome = write(ports, changes, requires)
    if isinstance(outcome, Refused):
        raise Unavailable(
            f"the run was ended by somebody else: {outcome.why}",
            hint="look at `headgate status`, and run the command again",
        )


def event(ports: Ports, kind: str, subject: str, run: RunId | None, **data: Json) -> Event:
    return Event(kind, subject, ports.clock.now(), run, data)


def new_run(
    ports: Ports,
    kind: RunKind,
    subject: str,
    target: RefName,
    *,
    intent: Mapping[str, Json],
    branch_prefix: str | None = None,
    batch: BatchId | None = None,
) -> Run:
    """A run that nobody knows of yet. ``branch_prefix``: it works on a branch of its own, ``prefix/run``."""
    id = RunId("r" + ports.clock.token())
    branch = RefName(f"{branch_prefix}/{id}") if branch_prefix else None
    return Run(id, kind, "open", subject, target, ports.clock.now(), branch, batch, intent=intent)


@contextmanager
def opened(
    ports: Ports, run: Run, head: str | None, nodes: Mapping[NodeId, bytes] | None = None
) -> Iterator[Run]:
    """Hold the run's lease and record it as open, with its branch at ``head`` and what it brings (``nodes``).

    A clear error ends it as failed and takes the branch away; a kill leaves it open, for `recover` to finish.
    """
    with ports.locks.hold(LEASE.format(run.id), 0) as held:
        if not held:
            raise Unavailable(f"run {run.id} is being worked on", hint="wait for it", place=run.id)
        refs = (
            (RefChange(run.branch, head, reason=f"{run.kind} {run.subject}"),) if run.branch and head else ()
        )
        told = event(
            ports, f"{run.kind}.opened", run.subject, run.id, target=run.target, intent=dict(run.intent)
        )
        must(ports, Changes(nodes=nodes or {}, runs=(run,), refs=refs, events=(told,)))
        try:
            yield run
        except OutcomeUnknown:
            raise  # neither failed nor done: recover looks it up
        except HeadgateError as error:
            _fail(ports, run, error)
            raise


def _fail(ports: Ports, run: Run, error: HeadgateError) -> None:
    """End a run that met an error. Best effort: if even this cannot be written, recover ends it later."""
    try:
        close(ports, run, "failed", error.kind, message=str(error), drop_branch=True)
    except HeadgateError:
        return


def dropped(ports: Ports, branch: RefName | None) -> tuple[tuple[RefChange, ...], tuple[RefIs, ...]]:
    """How to take a branch away, if it is there."""
    ref = ports.store.ref(branch) if branch else None
    if ref is None:
        return (), ()
    return (RefChange(ref.name, None, reason="the run is over"),), (RefIs(ref.name, ref.head, ref.gen),)


def ended(ports: Ports, run: Run, state: Literal["done", "failed", "aborted"], outcome: str) -> Run:
    return replace(run, state=state, outcome=outcome, ended=ports.clock.now())


def close(
    ports: Ports,
    run: Run,
    state: Literal["done", "failed", "aborted"],
    outcome: str,
    *,
    message: str = "",
    drop_branch: bool,
) -> None:
    """End a run that publishes nothing."""
    refs, requires = dropped(ports, run.branch) if drop_branch else ((), ())
    told = event(ports, f"{run.kind}.{state}", run.subject, run.id, outcome=outcome, message=message)
    must(
        ports,
        Changes(runs=(ended(ports, run, state, outcome),), refs=refs, events=(told,)),
        (RunOpen(run.id), *requires),
    )


def target_ref(ports: Ports, name: str) -> Ref:
    """The branch that a load, merge or revert goes to. Raises NotThere, and WrongUse for a tag or an environment:
    readers of one see what was promoted, and nothing else.
    """
    ref = find_ref(ports.store, name)
    base, _, colour = ref.name.rpartition("-")
    of_alias = ports.store.ref(RefName(base)) if colour in {"blue", "green"} else None
    shown = of_alias if of_alias is not None and of_alias.kind == "alias" else None
    if ref.kind == "branch" and shown is None:
        return ref
    if ref.kind == "tag":
        raise WrongUse(
            f"{name} is a tag, and tags do not move", hint="name a branch, such as main", place=name
        )
    environment = shown.name if shown is not None else ref.name
    raise WrongUse(
        f"{name} shows what was promoted, and takes nothing else",
        hint=f"load to main or another branch, then run `headgate promote {environment}`",
        place=name,
    )
