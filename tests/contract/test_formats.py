"""String formats as patterns."""

from __future__ import annotations

import ipaddress
from datetime import date

import pytest
import regress
from hypothesis import given
from hypothesis import strategies as st

from headgate.contract.formats import PATTERNS


@given(st.one_of(st.ip_addresses().map(str), st.text("0123456789abcdefF:.", max_size=20)))
def test_ip_addresses_are_those_that_python_knows(text: str) -> None:
    def known(kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return True

    assert _found("ipv4", text) == known(ipaddress.IPv4Address)
    assert _found("ipv6", text) == known(ipaddress.IPv6Address)


@given(st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z"))
def test_dates_as_text_are_the_days_there_are(text: str) -> None:
    try:
        there_is = date.fromisoformat(text) is not None
    except ValueError:
        there_is = False
    assert _found("date", text) == (
        there_is or (text.startswith("0000") and _found("date", "2000" + text[4:]))
    )


@given(st.one_of(st.uuids().map(str), st.text("0123456789abcdef-", max_size=40)))
def test_uuids_have_five_groups(text: str) -> None:
    groups = [len(group) for group in text.split("-")]
    assert _found("uuid", text) == (groups == [8, 4, 4, 4, 12])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("email", ["a@b", "a.b+c@example.org"], ["a", "a@", "@b", "a b@c", "a@b..c", "a@-b"]),
        ("hostname", ["localhost", "a-b.example.org"], ["", "-a", "a-", "a..b", "a_b", "a" * 64]),
        (
            "uri",
            [
                "https://example.org/a?b=c#d",
                "mailto:a@b",
                "urn:isbn:1",
                "http://[::1]:80/",
                "file:///a",
                "a:",
            ],
            ["", "example.org", "//a", "http://a b", "a:b#c#d", "http://[::1", "http://a/%zz", "1a:b"],
        ),
        (
            "date-time",
            ["2024-02-29T23:59:60Z", "2000-02-29 00:00:00.123456+01:00", "2023-12-31t00:00:00z"],
            ["2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-01T00:00:00"],
        ),
        ("time", ["00:00:00Z"], ["24:00:00Z", "00:00:00", "1:00:00Z"]),
        ("byte", ["", "YQ==", "YWI=", "YWJj"], ["Y", "YQ=", "YQ", "YW Jj"]),
        ("ipv4", ["0.0.0.0", "255.255.255.255"], ["256.0.0.1", "01.0.0.0", "1.2.3"]),
        (
            "ipv6",
            ["::", "::1", "1::", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8"],
            [":::", "1::2::3", "fe80::1%eth0"],
        ),
    ],
)
def test_string_formats_take_and_refuse(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not _found(name, text)] == []
    assert [text for text in bad if _found(name, text)] == []


def _found(name: str, text: str) -> bool:
    return regress.Regex(PATTERNS[name], "u").find(text) is not None
