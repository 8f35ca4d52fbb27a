"""Names and addresses of machines."""

from __future__ import annotations

import pytest

from server.hosts import is_address, is_loopback, is_private, split_host, split_hosts


class TestSplitting:
	"""What stands in headers and on the command line."""

	@pytest.mark.parametrize(
		('host', 'parts'),
		[
			('a:1', ('a', 1)),
			('A', ('a', None)),
			('[::1]:8', ('::1', 8)),
			('[::1]', ('::1', None)),
			('a:b', ('', None)),
			('', ('', None)),
			('a:99999', ('', None)),
		],
	)
	def test_split_host(self, host: str, parts: tuple[str, int | None]) -> None:
		"""Name and port of a host; nothing of what cannot be read."""
		assert split_host(host) == parts

	@pytest.mark.parametrize(
		('hosts', 'found'),
		[
			('127.0.0.1', ('127.0.0.1',)),
			('0.0.0.0,::', ('0.0.0.0', '::')),
			(' Studio , [::1],, ', ('studio', '::1')),
			('', ()),
		],
	)
	def test_split_hosts(self, hosts: str, found: tuple[str, ...]) -> None:
		"""Several addresses have commas between them."""
		assert split_hosts(hosts) == found


class TestKinds:
	"""What a name means."""

	def test_is_loopback(self) -> None:
		"""Names and addresses that mean this machine."""
		assert all(map(is_loopback, ('localhost', 'x.localhost', '127.0.0.1', '127.9.9.9', '::1')))
		assert not any(map(is_loopback, ('', '0.0.0.0', '10.0.0.1', 'localhost.example', '::')))

	def test_is_address(self) -> None:
		"""Only what is written as a whole address is one."""
		assert all(map(is_address, ('10.0.0.1', '::1', '0.0.0.0', 'fe80::1')))
		assert not any(map(is_address, ('', '10.0.0', 'ten.0.0.1', '10.0.0.1.evil.example')))

	def test_is_private(self) -> None:
		"""Names that nobody can register."""
		assert all(map(is_private, ('studio', 'studio.local', 'a.b.lan', 'x.home.arpa', 'db.internal')))
		assert not any(map(is_private, ('evil.example', 'local.evil.example', 'evil.example.', 'xlocal.com')))
