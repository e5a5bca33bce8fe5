"""What a load finds when it begins, and the plan that follows from it. Reads, never writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headgate.flow.contracts import compiled, contract_bytes
from headgate.flow.plan import CheckAdoption, LoadIntent, LoadState, Step, plan_load
from headgate.flow.preparing import Base
from headgate.intake.batches import Admitted, Duplicate, admit
from headgate.intake.policy import governed
from headgate.model.batch import Object
from headgate.model.contract import Column, Dialect, Policy, TableContract
from headgate.model.errors import WrongUse
from headgate.model.names import CommitId, RuleName, TableName, short
from headgate.model.rule import Fits, Rule
from headgate.ports import Delivery, Ports

UNGUARDED = "unguarded"


@dataclass(frozen=True, slots=True)
class Planned:
    """A load that was decided on and not begun: what ``--dry-run`` shows and `load.perform` carries out."""

    intent: LoadIntent
    steps: tuple[Step, ...]
    base: Base
    contract: TableContract
    document: bytes | None  # None: unguarded
    adopts: bool
    admission: Admitted | Duplicate
    objects: tuple[Object, ...]
    delivery: Delivery | None  # None for a duplicate: nothing is read

    @property
    def held_against_rows(self) -> bool:
        """True if the contract has to be checked against rows that are there, and that stay."""
        return any(isinstance(step, CheckAdoption) for step in self.steps)

    @property
    def skipped(self) -> tuple[Object, ...]:
        return self.admission.skipped if isinstance(self.admission, Admitted) else ()


def planned(ports: Ports, intent: LoadIntent, data: Sequence[str] | Delivery, base: Base) -> Planned:
    """The plan of a load. Raises what reading data and contract raises."""
    document, adopts = _document(ports, intent, base)
    contract = None
    if document is not None:
        contract = compiled(ports, document, intent.table, _place(intent), base.tree)
    file_format = intent.format or (contract.format if contract else None)
    objects = data.objects if isinstance(data, Delivery) else ports.source.find(data, file_format)
    admission = admit(
        ports.store,
        intent.table,
        intent.mode,
        objects,
        head=CommitId(base.ref.head),
        named=intent.batch,
        again=intent.again,
    )
    delivery = None
    if isinstance(admission, Admitted):
        delivery = data if isinstance(data, Delivery) else None
        if delivery is None:
            delivery = ports.source.read(admission.batch.objects, contract.dialect if contract else Dialect())
    if contract is None:
        contract = _unguarded(ports, intent, base, delivery)
    contract = governed(contract, intent.on_fail, intent.max_quarantined, intent.order_by)
    state = LoadState(
        contract,
        adopts,
        base.tree.table(intent.table) is not None,
        isinstance(admission, Duplicate),
        admission.batch.objects,
        admission.skipped if isinstance(admission, Admitted) else (),
    )
    steps = plan_load(intent, state)
    return Planned(intent, steps, base, contract, document, adopts, admission, objects, delivery)


def _place(intent: LoadIntent) -> str:
    return "--contract" if intent.contract is not None else f"contract/{intent.table}"


def _document(ports: Ports, intent: LoadIntent, base: Base) -> tuple[bytes | None, bool]:
    """The contract's bytes, and whether this load brings them."""
    entry = base.tree.contract(intent.table)
    there = contract_bytes(ports, entry) if entry else None
    if intent.contract is not None:
        return intent.contract, intent.contract != there
    if there is not None:
        if intent.unguarded:
            raise WrongUse(
                f"{intent.table} has a contract", hint="load without --unguarded", place=str(intent.table)
            )
        return there, False
    if not intent.unguarded:
        raise WrongUse(
            f"{short(intent.table)} has no contract on {intent.target}",
            hint="write one with `headgate contract infer DATA > contract.yaml` and pass --contract contract.yaml; "
            "--unguarded loads without any check",
            place=str(intent.table),
        )
    return None, False


def _unguarded(ports: Ports, intent: LoadIntent, base: Base, delivery: Delivery | None) -> TableContract:
    """The table's own columns, else types that every value fits."""
    entry = base.tree.table(intent.table)
    columns: tuple[Column, ...] = ()
    if entry is not None:
        columns = ports.lake.columns(entry)
    elif delivery is not None:
        columns = ports.engine.columns(delivery)
    return unguarded_contract(intent.table, columns)


def unguarded_contract(table: TableName, columns: tuple[Column, ...]) -> TableContract:
    """A contract that only says which columns there are."""
    optional = tuple(replace(c, required=False) for c in columns)
    rules = tuple(Rule(RuleName(f"{c.name}.type"), Fits(c.name)) for c in optional)
    name = short(table)
    return TableContract(UNGUARDED, "0", name, name, optional, rules, "", policy=Policy())
