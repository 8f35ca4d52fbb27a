"""Addresses to listen at."""

from __future__ import annotations

import socket

import pytest

from server.listen import CannotListen, listening, reachable, url_of


def has_ipv6() -> bool:
	"""Whether this machine has an IPv6 loopback."""
	try:
		socket.create_server(('::1', 0), family=socket.AF_INET6).close()
	except OSError:
		return False
	return True


class TestListening:
	"""Sockets."""

	@pytest.mark.skipif(not has_ipv6(), reason='no IPv6 here')
	def test_all_listen_at_one_port(self) -> None:
		"""Also where any free one will do; both kinds of addresses beside each other."""
		with listening(('127.0.0.1', '::1'), 0) as listeners:
			ports = [listener.getsockname()[1] for listener in listeners]
			for host in ('127.0.0.1', '::1'):
				socket.create_connection((host, ports[0])).close()

		assert ports[0] == ports[1] != 0

	def test_everywhere(self) -> None:
		"""Where one kind of addresses is unknown, the other is enough."""
		with listening(('0.0.0.0', '::'), 0) as listeners:
			assert len(listeners) in (1, 2)

	def test_taken_port_is_said_to_be(self) -> None:
		"""With what to do; and the sockets that were had are closed again."""
		with listening(('127.0.0.1',), 0) as listeners:
			port = listeners[0].getsockname()[1]
			with pytest.raises(CannotListen, match='--port'), listening(('127.0.0.2', '127.0.0.1'), port):
				pass
			with listening(('127.0.0.2',), port):
				pass

	@pytest.mark.parametrize('host', ['192.0.2.1', 'no.such.host.invalid'])
	def test_address_of_others(self, host: str) -> None:
		"""What is not ours cannot be listened at."""
		with pytest.raises(CannotListen, match=host), listening((host,), 0):
			pass

	def test_nowhere(self) -> None:
		"""An empty `--listen` is a mistake."""
		with pytest.raises(CannotListen), listening((), 0):
			pass


class TestNames:
	"""What addresses mean."""

	def test_reachable(self) -> None:
		"""One address that others can reach is enough."""
		assert not reachable(('127.0.0.1', '::1', 'localhost'))
		assert reachable(('127.0.0.1', '10.0.0.5'))
		assert reachable(('0.0.0.0',))
		assert reachable(('studio',))

	@pytest.mark.parametrize(
		('host', 'url'),
		[
			('127.0.0.1', 'http://127.0.0.1:8188'),
			('::1', 'http://[::1]:8188'),
			('0.0.0.0', 'http://localhost:8188'),
			('::', 'http://localhost:8188'),
			('studio', 'http://studio:8188'),
		],
	)
	def test_url(self, host: str, url: str) -> None:
		"""Something that a browser can open."""
		assert url_of(host, 8188) == url
		assert url_of(host, 8188, scheme='https') == url.replace('http', 'https')
