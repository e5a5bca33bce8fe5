"""String formats that say exactly which strings they mean, as ECMA-262 patterns."""

from __future__ import annotations

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LS32 = f"(?:{_H16}:{_H16}|{_IPV4})"


def _shortened(before: int, after: str) -> str:
    """``::`` with up to ``before`` groups before it."""
    head = f"(?:(?:{_H16}:){{0,{before - 1}}}{_H16})?" if before else ""
    return f"{head}::{after}"


_IPV6 = "|".join([
    f"(?:{_H16}:){{6}}{_LS32}",
    *(_shortened(before, f"(?:{_H16}:){{{5 - before}}}{_LS32}") for before in range(5)),
    _shortened(5, _LS32),
    _shortened(6, _H16),
    _shortened(7, ""),
])  # fmt: skip
_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_AUTHORITY = (
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    rf"(?:\[(?:{_IPV6})\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{{2}})*)(?::[0-9]*)?"
)

# RFC 3339, every day that there is: leap years are those by 4, but by 100 only those by 400.
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_HOUR}:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|[+-]{_HOUR})"

PATTERNS = {
    "date": f"^{_DAY}$",
    "date-time": f"^{_DAY}[Tt ]{_TIME}$",
    "time": f"^{_TIME}$",
    # What browsers take in <input type=email> (WHATWG HTML); a looser or tighter wish is a pattern of one's own.
    "email": rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*$",
    "uuid": "^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",  # RFC 9562, any version
    "ipv4": f"^{_IPV4}$",  # RFC 3986, dotted, no leading zeros
    "ipv6": f"^(?:{_IPV6})$",  # RFC 3986, no zone
    "hostname": rf"^{_LABEL}(?:\.{_LABEL})*$",  # RFC 1123
    "uri": (  # RFC 3986, absolute
        rf"^[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
        rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?$"
    ),
    "byte": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",  # RFC 4648, padded
}

LENGTHS_MAX = {"hostname": 253}

# Formats that any text has: they say how it is shown or kept.
NOTES = frozenset({"password", "binary"})
