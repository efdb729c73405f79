"""Which addresses on the network a client's URL may lead to."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Special purposes (IANA's registries) that ``is_global`` leaves out in some version of Python, and addresses at which
# cloud providers answer the machines inside them: 168.63.129.16 is Azure's.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fec0::/10",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet; those inside IPv6 forms (mapped, 6to4, NAT64) are looked at."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _NOT_PUBLIC if network.version == address.version)


def is_allowed(host: str, address: Address, allowed: Sequence[str]) -> bool:
    """Whether a URL with this host may lead to this address.

    Args:
        host: as the URL has it.
        address: where it leads.
        allowed: host names, addresses and networks that may be reached though they are not public. Link-local
            addresses never may: clouds hand out credentials there.
    """
    inner = _embedded(address) or address
    if address.is_link_local or inner.is_link_local:
        return False
    if is_public(address):
        return True
    for entry in allowed:
        if entry.casefold().rstrip(".") == host.casefold().rstrip("."):
            return True
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            continue  # a host name
        if network.version == inner.version and inner in network:
            return True
    return False


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
