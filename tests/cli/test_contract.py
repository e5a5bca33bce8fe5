from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cli.terminal import CONTRACT, Ran, listed
from headgate.cli.fields import DOCUMENTS


def test_an_inferred_contract_is_on_stdout_alone_and_its_data_pass(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text("id;amount\n1;2.5\n2;3.5\n")
    done = run("contract", "infer", "orders.csv")
    assert (done.code, done.err) == (0, "")
    (tmp_path / "c.yaml").write_text(done.out)
    assert run("check", "orders.csv", "--contract", "c.yaml").code == 0
    as_json = run("contract", "infer", "orders.csv", "--json").document
    listed(as_json, DOCUMENTS["contract infer"])
    assert as_json["contract"] == done.out


def test_lint_gives_advice_and_is_done(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    done = run("contract", "lint", "c.yaml")
    assert done.code == 0
    assert "c.yaml can be used: " in done.out
    listed(run("contract", "lint", "c.yaml", "--json").document, DOCUMENTS["contract lint"])


def test_a_contract_that_cannot_be_used_is_wrong_use(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("schema: [")
    done = run("contract", "lint", "c.yaml", "--json")
    assert (done.code, done.error["kind"]) == (2, "contract_unusable")
    assert done.error["place"].startswith("c.yaml")


def test_lint_tells_everything_that_makes_a_contract_unusable(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    bounds = "logicalType: integer, logicalTypeOptions: {minimum: 3, maximum: 2}"
    (tmp_path / "c.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\nschema:\n"
        f"  - name: a\n    properties:\n      - {{name: b, {bounds}}}\n      - {{name: c, {bounds}}}\n"
    )
    done = run("contract", "lint", "c.yaml")
    assert (done.code, done.out) == (2, "")
    assert [line for line in done.err.splitlines() if line.startswith("error: ")] == [
        f"error: c.yaml:{line}: schema[0].properties[{line - 9}].logicalTypeOptions.minimum: minimum 3 leaves "
        "nothing below maximum 2"
        for line in (9, 10)
    ]
    error = run("contract", "lint", "c.yaml", "--json").document["error"]
    assert error["place"] == "c.yaml:9"
    assert [one["place"] for one in error["also"]] == ["c.yaml:10"]
    assert "also" not in run("check", "c.yaml", "--contract", "c.yaml", "--json").error


ODD = (
    b"\xef\xbb\xbf# kept for the auditors, do not touch\r\n"
    + CONTRACT.replace("status: active", "status:   'active'   # since 2024")
    .replace(
        "schema:",
        "customProperties:\n"
        "    - {vendor: acme, property: colour, value: {deep: [1, 2.50, 0x1F, !!str 3]}}\n"
        "    -   property: unknown\n        value: >-\n          folded,\n          twice\n"
        "\n\n\nschema:",
    )
    .replace("\n", "\r\n")
    .encode()
    + b"   \r\n# caf\xc3\xa9, \xf0\x9f\x98\x80, and no end of line"
)


def test_a_contract_comes_back_byte_for_byte(shop: Callable[..., Ran], tmp_path: Path) -> None:
    """Comments, a byte order mark, ends of lines, spaces, and what only another tool reads."""
    (tmp_path / "odd.yaml").write_bytes(ODD)
    assert shop("load", "orders", "good.csv", "--contract", "odd.yaml").code == 0
    shown = shop("contract", "show", "orders", "--json").document
    listed(shown, DOCUMENTS["contract show"])
    assert shown["contract"].encode() == ODD
    shop("tag", "create", "v1")
    (tmp_path / "orders.yaml").write_text(CONTRACT.replace("1.0.0", "1.1.0"))
    (tmp_path / "more.csv").write_text("id,customer,amount\n9,eve,1\n")
    assert shop("load", "orders", "more.csv", "--contract", "orders.yaml").code == 0
    assert shop("contract", "show", "orders").out == CONTRACT.replace("1.0.0", "1.1.0")
    assert shop("contract", "show", "orders", "--ref", "v1", "--json").document["contract"].encode() == ODD
    code = "import sys; from headgate.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "contract", "show", "orders", "--ref", "v1"]
    done = subprocess.run(words, capture_output=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (ODD, b"", 0)


def test_a_table_without_a_contract_has_none_to_show(shop: Callable[..., Ran]) -> None:
    assert shop("load", "orders", "good.csv", "--unguarded").code == 0
    done = shop("contract", "show", "orders", "--json")
    assert done.error["kind"] == "not_there"
    assert shop("contract", "show", "nothing", "--json").error["kind"] == "not_there"
