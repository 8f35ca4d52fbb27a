"""Names and addresses of machines, as they stand in `Host`, `Origin` and on the command line."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

# Nobody can own a name under these, so no page can have made one of them point here.
PRIVATE_SUFFIXES = ('.local', '.internal', '.home.arpa', '.lan', '.home', '.localdomain')


def split_hosts(hosts: str) -> tuple[str, ...]:
	"""`localhost, [::1]` → `localhost` and `::1`."""
	return tuple(host.strip().strip('[]').lower() for host in hosts.split(',') if host.strip())


def split_host(host: str) -> tuple[str, int | None]:
	"""`[::1]:8188` → `::1` and 8188. What cannot be read has an empty name."""
	try:
		parts = urlsplit(f'//{host}')
		return parts.hostname or '', parts.port
	except ValueError:
		return '', None


def is_address(name: str) -> bool:
	"""Whether a host is written as an IP address."""
	try:
		ipaddress.ip_address(name)
	except ValueError:
		return False
	return True


def is_loopback(name: str) -> bool:
	"""Whether a host name means this machine itself."""
	lowered = name.lower()
	if lowered == 'localhost' or lowered.endswith('.localhost'):
		return True
	return is_address(lowered) and ipaddress.ip_address(lowered).is_loopback


def is_private(name: str) -> bool:
	"""Whether a host name has a meaning in the local network only."""
	return '.' not in name or name.endswith(PRIVATE_SUFFIXES)
