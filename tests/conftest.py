"""The same surroundings for every test: UTC, no network but loopback, nothing of the person's own settings."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import time

from hypothesis import HealthCheck, Phase, settings

os.environ["TZ"] = "UTC"
time.tzset()
for _name in [name for name in os.environ if name.startswith(("HEADGATE_", "AWS_", "PYICEBERG_"))]:
    del os.environ[_name]
for _name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[_name]  # gRPC would ask a proxy for loopback, too
os.environ["HEADGATE_CACHE"] = ""  # tests of what is remembered have a place of their own for it

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "deep", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# A search has its own end, and what fails is small enough: no time goes into making it smaller.
settings.register_profile(
    "fuzz",
    max_examples=100,
    deadline=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def is_loopback(host: object) -> bool:
    """Hosts a test may talk to. Names other than localhost would need a resolver, so they are no loopback."""
    if host in {None, "", "localhost", b"localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto"}:
        peer, address = arguments[0], arguments[1]
        if isinstance(peer, socket.socket) and peer.family == socket.AF_UNIX:
            return
        host = address[0] if isinstance(address, tuple) else address
    else:
        return
    if not is_loopback(host):
        raise RuntimeError(f"tests talk to loopback only, not to {host!r}")


sys.addaudithook(_refuse_network)
