"""`headgate status`: where things stand, and what a person should do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.cli import wire
from headgate.cli.answer import Answer
from headgate.cli.findings import counted, failures
from headgate.cli.opening import project_of
from headgate.cli.quarantine import show_list
from headgate.cli.screen import Screen, harmless, painted, say, table
from headgate.model.names import short

if TYPE_CHECKING:
    from headgate.cli.parsing import Args, Parser
    from headgate.flow.status import EnvironmentStatus, Status, TableStatus
    from headgate.model.run import Run

BRANCHES_SHOWN = 10


def status(parser: Parser) -> None:
    parser.tell(
        "Tables on main and their last verdicts, what environments show and what waits to be promoted, what is in "
        "quarantine, and the branches of loads that failed.",
        "headgate status",
    )
    parser.runs(_status)


def _status(args: Args) -> Answer:
    project = project_of(args)
    found = project.status()
    document = {
        "root": str(project.root),
        "refs": [wire.ref(r) for r in found.refs],
        "tables": [_table(t) for t in found.tables],
        "environments": [
            {
                "environment": e.name,
                "release": e.release,
                "commit": e.shows,
                "waiting": [short(t) for t in e.waiting],
            }
            for e in found.environments
        ],
        "quarantines": [wire.quarantine(q) for q in found.quarantines],
        "failed": [wire.run(r) for r in found.failed],
        "open": [wire.run(r) for r in found.open],
    }

    def show(screen: Screen) -> None:
        say(painted(screen, f"project {harmless(project.root)}", "bold"))
        _show(screen, found)

    return Answer(document, show)


def _table(found: TableStatus) -> dict[str, object]:
    contract, version = found.contract or (None, None)
    return {
        "table": short(found.table),
        "rows": found.rows,
        "contract": contract,
        "contract_version": version,
        "unguarded": found.contract is None,
        "outcome": _outcome(found),
        "run": found.verdict.run if found.verdict else None,
        "service_levels": wire.rules(found.levels),
        "baseline": wire.baseline(found.baseline),
    }


def _outcome(found: TableStatus) -> str | None:
    if found.verdict is None:
        return None
    return "passed" if found.verdict.verdict.passed else "failed"


def _show(screen: Screen, found: Status) -> None:
    if found.tables:
        say()
        rows = [(short(t.table), f"{t.rows:,}", _contract(t), _verdict(t)) for t in found.tables]
        table(screen, ("table on main", "rows", "contract", "last verdict"), rows, right=("rows",))
        _show_baselines(screen, found)
        _show_levels(screen, found)
    else:
        say("no tables on main yet: headgate load TABLE DATA --contract C")
    if found.environments:
        say()
        table(
            screen,
            ("environment", "release", "shows", "waits"),
            [_environment(e) for e in found.environments],
        )
    if found.quarantines:
        say()
        show_list(screen, found.quarantines)
    _show_runs(screen, "failed, its branch is kept", found.failed)
    _show_runs(screen, "open", found.open)
    _show_branches(screen, found)
    for line in _next(found):
        say(line)


def _show_baselines(screen: Screen, found: Status) -> None:
    rows = [
        (f"{short(t.table)} {rule}", f"{known.rows_failed:,}", f"{known.rows:,}")
        for t in found.tables
        for rule, known in t.baseline.items()
    ]
    if rows:
        say()
        table(screen, ("baseline: bad rows that are known", "rows", "of"), rows, right=("rows", "of"))


def _show_levels(screen: Screen, found: Status) -> None:
    """Service levels, those first that are not kept."""
    order = {"error": 0, "fail": 1, "warn": 2, "info": 3}
    kept = [(order.get(f.status, 4), short(t.table), f) for t in found.tables for f in t.levels]
    if kept:
        say()
        rows = [
            (f"{name} {f.rule}", f.status, f.message) for _, name, f in sorted(kept, key=lambda one: one[0])
        ]
        table(screen, ("service level", "", "now"), rows)


def _contract(found: TableStatus) -> str:
    return " ".join(found.contract) if found.contract else "unguarded"


def _verdict(found: TableStatus) -> str:
    outcome = _outcome(found)
    if outcome is None or found.verdict is None:
        return "none"
    bad = failures(found.verdict.verdict.findings, found.verdict.verdict.allowed)
    if not bad:
        return outcome
    more = f" and {len(bad) - 2} more" if len(bad) > 2 else ""
    return f"{outcome}{', warns' * (outcome == 'passed')}: {', '.join(f.rule for f in bad[:2])}{more}"


def _environment(found: EnvironmentStatus) -> tuple[str, str, str, str]:
    shows = found.shows[:12] if found.shows else "nothing yet"
    waits = ", ".join(short(t) for t in found.waiting) or "nothing"
    return found.name, str(found.release or ""), shows, waits


def _show_runs(screen: Screen, title: str, runs: tuple[Run, ...]) -> None:
    if runs:
        say()
        rows = [(r.id, r.kind, wire.subject(r.subject), r.outcome or "") for r in runs[:BRANCHES_SHOWN]]
        table(screen, (f"run ({title})", "kind", "of", "outcome"), rows)
        if len(runs) > BRANCHES_SHOWN:
            say(f"... and {len(runs) - BRANCHES_SHOWN} more")


def _show_branches(screen: Screen, found: Status) -> None:
    """Refs that people made: neither main nor a colour, nor the branch of a run that is told above or is settled."""
    told: set[str | None] = {r.branch for r in (*found.failed, *found.settled, *found.open)}
    told |= {name for e in found.environments for name in (e.name, f"{e.name}-blue", f"{e.name}-green")}
    others = [r for r in found.refs if r.name != "main" and r.name not in told]
    if others:
        say()
        table(
            screen,
            ("ref", "kind", "commit"),
            [(r.name, r.kind, r.head[:12]) for r in others[:BRANCHES_SHOWN]],
        )
        if len(others) > BRANCHES_SHOWN:
            say(f"... and {len(others) - BRANCHES_SHOWN} more: headgate branch list, headgate tag list")


def _next(found: Status) -> list[str]:
    lines = []
    if found.quarantines:
        lines.append(f"  headgate quarantine show {found.quarantines[-1].id}")
    lines += [f"  headgate promote {e.name}" for e in found.environments if e.waiting]
    if found.open:
        lines.append(f"  headgate recover    if {counted(len(found.open), 'open run')} is dead")
    return ["", "next:", *lines] if lines else []
