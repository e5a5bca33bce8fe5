from __future__ import annotations

import pytest

from contract.contracts import of_column, of_properties, table, with_schema
from headgate.contract.classification import is_confidential
from headgate.model.errors import ContractUnusable


@pytest.mark.parametrize(
    "said",
    [
        "confidential",
        "Highly Confidential",
        "PII",
        "pii:email",
        "RESTRICTED",
        "sensitive_personal",
        "C3-secret",
    ],
)
def test_words_for_what_is_not_shown(said: str) -> None:
    assert is_confidential(said)


@pytest.mark.parametrize(
    "said", [None, "", "public", "internal", "unrestricted", "non-sensitive", "no PII", "secretary"]
)
def test_words_for_what_is_shown(said: str | None) -> None:
    assert not is_confidential(said)


def test_a_column_is_masked_with_what_is_inside_it() -> None:
    found = of_properties("""
        - {name: a, logicalType: string, classification: public}
        - name: b
          logicalType: object
          properties:
            - name: c
              logicalType: array
              items: {logicalType: string, classification: pii}
    """)
    assert [c.masked for c in found.columns] == [False, True]


@pytest.mark.parametrize(
    ("classification", "mask", "expected"), [("pii", "false", False), ("public", "true", True)]
)
def test_the_setting_goes_before_the_classification(classification: str, mask: str, expected: bool) -> None:
    setting = f"customProperties: [{{vendor: headgate, property: mask, value: {mask}}}]"
    found = of_column(f"classification: {classification}\n{setting}")
    assert found.columns[0].masked is expected


def test_a_whole_table_can_be_masked_but_for_a_column() -> None:
    setting = "customProperties: [{vendor: headgate, property: mask, value: %s}]"
    found = of_properties(
        f"- {{name: a, logicalType: string}}\n- {{name: b, logicalType: string, {setting % 'false'}}}",
        setting % "true",
    )
    assert [c.masked for c in found.columns] == [True, False]


def test_a_mask_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(ContractUnusable, match="mask cannot be"):
        table(
            with_schema("""
            - name: orders
              customProperties: [{vendor: headgate, property: mask, value: maybe}]
              properties: [{name: a}]
        """)
        )
