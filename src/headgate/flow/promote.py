"""`promote` and `rollback`: blue/green releases of an environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from headgate.catalog.commits import commit_at, stored_commit
from headgate.catalog.trees import load_tree
from headgate.checks.again import check_whole
from headgate.checks.baseline import in_tree
from headgate.checks.merged import allowed_of
from headgate.flow.contracts import contracts_of
from headgate.flow.reading import tables_of
from headgate.flow.runs import close, ended, event, new_run, opened, write
from headgate.model.change import (
    Changes,
    LastRelease,
    RefAbsent,
    RefChange,
    RefIs,
    Refused,
    Requirement,
    RunOpen,
)
from headgate.model.commit import Ref, Release
from headgate.model.environment import Environment, SmokeQuery
from headgate.model.errors import HeadgateError, WrongUse
from headgate.model.names import CommitId, RefName, RuleName, RunId, short
from headgate.model.run import Run
from headgate.model.tree import Tree
from headgate.model.verdict import Finding, Verdict
from headgate.ports import Ports
from headgate.promotion.releases import before, idle, promotion, rollback, shown

PromoteOutcome = Literal["promoted", "unchanged", "rolled_back", "refused"]


@dataclass(frozen=True, slots=True)
class PromoteResult:
    """``before`` and ``to``: what readers see before and after; equal where nothing changed for them. ``verdict``: of
    the smoke checks, where there were any.
    """

    run: RunId | None
    environment: str
    outcome: PromoteOutcome
    before: CommitId | None
    to: CommitId | None
    release: int | None = None
    verdict: Verdict | None = None
    why: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.verdict.findings if self.verdict is not None else ()


def promote(
    ports: Ports,
    environment: Environment,
    source: str | None = None,
    *,
    allowed: frozenset[str] = frozenset(),
) -> PromoteResult:
    """Put a commit on the idle colour, check it there cold and as readers read it, then switch the alias.

    Readers see what they saw until the switch, which is one pointer. Raises NotThere for an unknown ``source``.
    """
    commit = commit_at(ports.store, source or environment.source)
    find = partial(ports.store.release, environment.name)
    last, now = find(None), shown(find)
    if now is not None and now.commit == commit.id:
        return PromoteResult(None, environment.name, "unchanged", commit.id, commit.id, now.id)
    said = {"environment": environment.name, "source": source or environment.source}
    run = new_run(ports, "promote", environment.name, environment.name, intent={**said, "commit": commit.id})
    was = now.commit if now else None
    with opened(ports, run, None):
        colour, refused = _on_idle_colour(ports, run, environment, commit.id)
        if refused is not None or colour is None:
            return _refused(ports, run, environment, commit.id, refused or "")
        verdict = smoke(ports, environment, colour.name, allowed)
        if not verdict.passed:
            first = verdict.blocking[0]
            why = f"{first.rule}: {first.message or first.status}"
            close(ports, run, "failed", "refused", message=why, drop_branch=False)
            return PromoteResult(run.id, environment.name, "refused", was, was, verdict=verdict, why=why)
        release = promotion(environment, find, commit.id, colour.name, ports.clock.now())
        why_not = _switch(ports, run, environment, colour, release, last)
        if why_not is not None:
            return _refused(ports, run, environment, commit.id, why_not)
        return PromoteResult(
            run.id, environment.name, "promoted", was, commit.id, release.id, verdict=verdict
        )


def _refused(ports: Ports, run: Run, environment: Environment, commit: CommitId, why: str) -> PromoteResult:
    """The catalog said no: it has something against the commit, or another promotion was first, maybe of the same."""
    now = shown(partial(ports.store.release, environment.name))
    shows = now.commit if now else None
    if now is not None and shows == commit:
        close(ports, run, "done", "unchanged", drop_branch=False)
        return PromoteResult(run.id, environment.name, "unchanged", shows, shows, now.id)
    close(ports, run, "failed", "refused", message=why, drop_branch=False)
    return PromoteResult(run.id, environment.name, "refused", shows, shows, why=why)


def _on_idle_colour(
    ports: Ports, run: Run, environment: Environment, commit: CommitId
) -> tuple[Ref | None, str | None]:
    """The idle colour with the commit on it, or why the catalog refuses it (no passing verdict, tainted).

    The colour must still be idle when it is written, and hold this commit afterwards: another promotion may switch
    to it, or take it, in between.
    """
    alias = ports.store.ref(environment.name)
    name = idle(environment, alias)
    there = ports.store.ref(name)
    if there is not None and there.head == commit:
        return there, None
    change = RefChange(name, commit, protected=True, reason=f"candidate of {environment.name}")
    told = event(ports, "release.staged", environment.name, run.id, branch=name, commit=commit)
    requires = (_as_seen(name, there), _as_seen(environment.name, alias), RunOpen(run.id))
    outcome = write(ports, Changes(refs=(change,), events=(told,)), requires)
    if isinstance(outcome, Refused):
        return None, outcome.why
    taken = ports.store.ref(name)
    if taken is None or taken.head != commit:
        return None, f"another promotion took {name}"
    return taken, None


def _as_seen(name: RefName, ref: Ref | None) -> Requirement:
    return RefIs(name, ref.head, ref.gen) if ref else RefAbsent(name)


def smoke(
    ports: Ports, environment: Environment, colour: RefName, allowed: frozenset[str] = frozenset()
) -> Verdict:
    """Every published contract and every smoke query, from the data, through the ref that readers will use."""
    commit = commit_at(ports.store, colour)
    tree = load_tree(ports.store, commit.root)
    findings: list[Finding] = []
    rows = files = 0
    for table, contract in contracts_of(ports, tree).items():
        verdict = in_tree(ports.store, tree, table, check_whole(ports, tree, table, contract, allowed))
        rows, files = rows + verdict.rows, files + verdict.files
        for f in verdict.findings:
            name = RuleName(f"{short(table)}:{f.rule}")
            findings.append(replace(f, rule=name, how="scan"))
    findings += [_asked(ports, tree, query) for query in environment.smoke]
    return Verdict(
        "",
        "",
        rows,
        0,
        files,
        tuple(findings),
        root=commit.root,
        allowed=allowed_of(findings, allowed),
        engine=ports.engine.name,
    )


def _asked(ports: Ports, tree: Tree, query: SmokeQuery) -> Finding:
    name = RuleName(f"smoke:{query.name}")
    try:
        result = ports.queries.select(query.sql, tables_of(ports, tree))
    except HeadgateError as error:
        return Finding(name, "error", message=error.message)
    if len(result.rows) == 1 and len(result.columns) == 1 and isinstance(result.rows[0][0], bool):
        held = result.rows[0][0]
        return Finding(name, "pass" if held else "fail", message="" if held else "the query says false")
    if not result.rows:
        return Finding(name, "pass", rows_failed=0)
    shown_row = ", ".join(f"{c}={v}" for c, v in zip(result.columns, result.rows[0], strict=True))
    rows = f"{len(result.rows)} rows, first" if len(result.rows) > 1 else "1 row"
    return Finding(name, "fail", rows_failed=len(result.rows), message=f"{rows}: {shown_row}")


def _switch(
    ports: Ports,
    run: Run,
    environment: Environment,
    colour: Ref,
    release: Release,
    last: Release | None,
) -> str | None:
    """Point the alias at the colour; None if it was done, else why not."""
    alias = ports.store.ref(environment.name)
    told = event(
        ports,
        "release.promoted",
        environment.name,
        run.id,
        release=release.id,
        branch=colour.name,
        old=alias.head if alias else None,
        commit=release.commit,
    )
    changes = Changes(
        refs=(
            RefChange(environment.name, colour.name, "alias", protected=True, reason=f"release {release.id}"),
        ),
        releases=(release,),
        runs=(ended(ports, run, "done", "promoted"),),
        events=(told,),
    )
    requires = (
        _as_seen(environment.name, alias),
        RefIs(colour.name, colour.head, colour.gen),
        LastRelease(environment.name, last.id if last else None),
        RunOpen(run.id),
    )
    outcome = write(ports, changes, requires)
    return outcome.why if isinstance(outcome, Refused) else None


def roll_back(ports: Ports, environment: Environment) -> PromoteResult:
    """Show the promotion before the one now shown: one transaction, no data touched.

    The colour that readers see is moved; the alias stays, so nothing that resolved it is surprised by the other
    colour, which may hold a refused candidate.
    """
    find = partial(ports.store.release, environment.name)
    last, now, to = find(None), shown(find), before(find)
    alias = ports.store.ref(environment.name)
    if last is None or now is None or to is None or alias is None:
        why = "nothing was promoted before it" if now else f"nothing was promoted to {environment.name} yet"
        commit = now.commit if now else None
        return PromoteResult(
            None, environment.name, "refused", commit, commit, now.id if now else None, why=why
        )
    colour = ports.store.ref(RefName(alias.head))
    if colour is None:
        raise WrongUse(
            f"{environment.name} shows {alias.head}, which is gone", hint="promote again", place=alias.head
        )
    release = rollback(last, to, colour.name, ports.clock.now())
    told = event(
        ports,
        "release.rolled_back",
        environment.name,
        None,
        release=release.id,
        shows=to.id,
        branch=colour.name,
        old=colour.head,
        new=to.commit,
    )
    stored_commit(ports.store, to.commit)
    changes = Changes(
        refs=(RefChange(colour.name, to.commit, protected=True, reason=f"rollback to release {to.id}"),),
        releases=(release,),
        events=(told,),
    )
    requires = (
        RefIs(colour.name, colour.head, colour.gen),
        RefIs(alias.name, alias.head, alias.gen),
        LastRelease(environment.name, last.id),
    )
    outcome = write(ports, changes, requires)
    if isinstance(outcome, Refused):
        commit = now.commit
        return PromoteResult(
            None,
            environment.name,
            "refused",
            commit,
            commit,
            now.id,
            why=f"somebody was first: {outcome.why}",
        )
    return PromoteResult(None, environment.name, "rolled_back", now.commit, to.commit, release.id)
