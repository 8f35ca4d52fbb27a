"""The server as a process: how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientSession, WSMsgType

from engine.events import EventBus, JobFinished
from engine.settings import Settings
from server.app import build_app
from server.cli import run_command
from server.keys import BUS
from server.serve import BadCertificate, certificate_of, guard
from server.serving import Serving
from server.tokens import Tokens
from tests.server.client import eventually, slow
from tests.server.process import Served, serving

posix = pytest.mark.skipif(os.name != 'posix', reason='signals are a thing of POSIX')


async def begin(session: ClientSession, client: str = '') -> str:
	"""Queue a job that waits until it is stopped, and wait until it runs."""
	async with session.post('/prompt', json={'prompt': slow(), 'client_id': client}) as answer:
		job = str((await answer.json())['prompt_id'])

	async def runs() -> bool:
		async with session.get('/queue') as answer:
			return [item[1] for item in (await answer.json())['queue_running']] == [job]

	await eventually(runs, 'the job to begin')
	return job


class TestCannotStart:
	@pytest.mark.parametrize(
		('flags', 'named'), [(('--base', 'other', '--temp', 'file/temp'), 'file'), (('--listen',), 'data')]
	)
	def test_a_folder_cannot_be_made(
		self,
		tmp_path: Path,
		capsys: pytest.CaptureFixture[str],
		monkeypatch: pytest.MonkeyPatch,
		flags: tuple[str, ...],
		named: str,
	) -> None:
		"""One sentence that names it, and 2."""
		monkeypatch.chdir(tmp_path)
		Path('file').touch()
		Path('base').mkdir()
		Path('base', 'data').symlink_to('missing')
		code = run_command(['--port', '0', '--base', 'base', *flags])
		said = capsys.readouterr().err

		assert code == 2
		assert said.startswith('error: The server cannot start: ')
		assert named in said
		assert said.count('\n') == 1


@posix
class TestEnding:
	"""SIGTERM and Ctrl-C."""

	@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
	async def test_idle_server_ends_at_once(self, tmp_path: Path, number: signal.Signals) -> None:
		"""With 0, whatever the grace, and its sockets are told goodbye."""
		async with serving(tmp_path, '--grace', '3600') as served, ClientSession(served.url) as session:
			async with session.ws_connect('/ws') as socket:
				await socket.receive()
				served.signal(number)
				last = await socket.receive(60)

			assert last.type is WSMsgType.CLOSE
			assert last.data == 1001
			assert await served.ended() == 0

	async def test_open_streams_end(self, tmp_path: Path) -> None:
		"""Whichever way they go, and without trouble."""
		async with (
			serving(tmp_path, stderr=asyncio.subprocess.PIPE) as served,
			ClientSession(served.url) as session,
			session.get('/v1/events') as stream,
			session.ws_connect('/v1/events') as socket,
		):
			await stream.content.readline()
			served.signal()
			code = await served.ended()
			assert served.process.stderr is not None
			said = (await served.process.stderr.read()).decode()
			await socket.receive(60)

		assert code == 0
		assert 'ERROR' not in said
		assert 'Traceback' not in said

	async def test_running_job_may_go_on(self, tmp_path: Path) -> None:
		"""New connections are refused, open ones are served; when the job is over, so is the server."""
		async with serving(tmp_path, '--grace', '3600') as served, ClientSession(served.url) as session:
			async with session.ws_connect('/ws?clientId=me') as socket:
				await begin(session, 'me')
				served.signal()
				await served.refuses()
				async with session.post('/interrupt') as stopped:
					assert stopped.status == 200
				types = [json.loads(message.data)['type'] async for message in socket if message.type is WSMsgType.TEXT]

			assert 'execution_interrupted' in types
			assert await served.ended() == 0

	async def test_grace_ends(self, tmp_path: Path) -> None:
		"""A job that goes on longer is left."""
		async with serving(tmp_path, '--grace', '0.2') as served, ClientSession(served.url) as session:
			await begin(session)
			served.signal()

			assert await served.ended() == 0

	async def test_second_signal_ends_the_grace(self, tmp_path: Path) -> None:
		"""Somebody presses Ctrl-C twice."""
		async with serving(tmp_path, '--grace', '3600') as served, ClientSession(served.url) as session:
			await begin(session)
			served.signal(signal.SIGINT)
			await served.refuses()
			served.signal(signal.SIGINT)

			assert await served.ended() == 0


class TestTokens:
	"""Who is asked for one."""

	async def test_first_start_in_the_network_prints_a_token_once(self, tmp_path: Path) -> None:
		"""With a link that logs in; the second start asks for it too, and tells nothing."""
		async with serving(tmp_path, '--listen', '0.0.0.0', stderr=asyncio.subprocess.PIPE) as served:
			link = (await served.line()).split()[-1]
			hint = await served.line()
			async with ClientSession() as session:
				async with session.get(f'{served.url}/queue') as refused:
					assert refused.status == 401
				async with session.get(link) as page:
					assert page.status == 200
					assert str(page.url) == f'{served.url}/'
				async with session.get(f'{served.url}/queue') as let_in:
					assert let_in.status == 200
			served.signal()
			_, logged = await served.process.communicate()
		token = link.partition('?token=')[2]
		async with serving(tmp_path, '--listen', '0.0.0.0') as again:
			again.signal()
			rest, _ = await again.process.communicate()

		assert link.startswith(f'{served.url}/v1/login?token=')
		assert 'token new' in hint
		assert token.encode() not in logged
		assert rest == b''
		assert [kept.name for kept in Tokens(tmp_path / 'data').all()] == ['first']

	@pytest.mark.parametrize(
		('host', 'insecure', 'made', 'asks', 'prints'),
		[
			('127.0.0.1', False, False, False, False),
			('127.0.0.1', False, True, True, False),
			('localhost,::1', False, False, False, False),
			('0.0.0.0', False, False, True, True),
			('127.0.0.1,10.0.0.5', False, False, True, True),
			('0.0.0.0', False, True, True, False),
			('0.0.0.0', True, False, False, False),
			('0.0.0.0', True, True, False, False),
		],
	)
	def test_who_is_asked(
		self, tmp_path: Path, host: str, insecure: bool, made: bool, asks: bool, prints: bool
	) -> None:
		"""Everybody if others can come or there is a token; nobody with `--insecure`. One is made where none is."""
		if made:
			Tokens(tmp_path / 'data').new('mine')
		auth, token = guard(Settings(base=tmp_path), Serving(host=host, insecure=insecure))

		assert (auth is not None) is asks
		assert bool(token) is prints
		if auth is not None and token:
			assert auth.tokens.find(token) is not None


class TestLogFormat:
	"""What goes to standard error."""

	async def test_json_lines(self, tmp_path: Path) -> None:
		"""Every line of the server process is one object, each request with its id."""
		flags = ('--verbose', 'DEBUG', '--log-format', 'json')
		async with serving(tmp_path, *flags, stderr=asyncio.subprocess.PIPE) as served:
			async with ClientSession(served.url) as session:
				async with session.get('/queue', headers={'X-Request-Id': 'mine'}) as answer:
					await answer.read()
				async with session.get('/internal/logs/raw') as answer:
					kept = (await answer.json())['entries']
			served.signal()
			_, logged = await served.process.communicate()
		lines = [json.loads(line) for line in logged.splitlines() if line.startswith(b'{')]
		mine = next(line for line in lines if line.get('request') == 'mine')

		assert mine['text'].startswith('GET /queue 200')
		assert mine['level'] == 'DEBUG'
		assert any('request=mine' in entry['m'] for entry in kept)


class TestPreviewMethod:
	"""`--preview-method` is for jobs that do not say."""

	@pytest.mark.parametrize(
		('flags', 'said', 'shown'),
		[
			((), None, False),
			((), 'auto', True),
			(('--preview-method', 'auto'), None, True),
			(('--preview-method', 'auto'), 'default', True),
			(('--preview-method', 'auto'), 'none', False),
		],
	)
	async def test_previews(self, tmp_path: Path, flags: tuple[str, ...], said: str | None, shown: bool) -> None:
		"""A binary frame at each step, or none."""
		graph = {'1': {'class_type': 'Steps', 'inputs': {'count': 3, 'seed': 1}}}
		extra = {} if said is None else {'extra_data': {'preview_method': said}}
		async with (
			serving(tmp_path, *flags) as served,
			ClientSession(served.url) as session,
			session.ws_connect('/ws?clientId=me') as socket,
		):
			async with session.post('/prompt', json={'prompt': graph, 'client_id': 'me', **extra}) as answer:
				assert answer.status == 200
			binary = 0
			async for message in socket:
				binary += message.type is WSMsgType.BINARY
				if message.type is WSMsgType.TEXT and json.loads(message.data)['type'] == 'execution_success':
					break

		assert (binary > 0) is shown


class TestAutoLaunch:
	"""`--auto-launch`."""

	@posix
	async def test_the_browser_gets_the_address(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Where a token was made just now, the link that logs in."""
		browser = tmp_path / 'browser'
		browser.write_text(
			f'#!{sys.executable}\nimport sys\nopen({str(tmp_path / "opened")!r}, "w").write(sys.argv[1])'
		)
		browser.chmod(0o755)
		monkeypatch.setenv('BROWSER', f'{browser} %s')

		async def opened(*flags: str) -> tuple[Served, str]:
			async with serving(tmp_path, '--auto-launch', *flags) as served:

				async def is_there() -> bool:
					return (tmp_path / 'opened').exists() and (tmp_path / 'opened').read_text() != ''

				await eventually(is_there, 'the browser to be opened')
			address = (tmp_path / 'opened').read_text()
			(tmp_path / 'opened').unlink()
			return served, address

		plain, address = await opened()
		assert address == plain.url

		guarded, address = await opened('--listen', '0.0.0.0')
		assert address.startswith(f'{guarded.url}/v1/login?token=')


class TestTls:
	"""`--tls-certfile` and `--tls-keyfile`."""

	async def test_it_speaks_https(self, tmp_path: Path) -> None:
		"""With the certificate that it was given; the session's cookie goes over nothing else."""
		authority = trustme.CA()
		certificate = authority.issue_cert('127.0.0.1')
		certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / 'server.pem')
		trusting = ssl.create_default_context()
		authority.configure_trust(trusting)
		token = Tokens(tmp_path / 'data').new('mine')
		flags = ('--tls-certfile', str(tmp_path / 'server.pem'))
		async with (
			serving(tmp_path, *flags) as served,
			ClientSession(served.url) as session,
			session.post('/v1/login', json={'token': token}, ssl=trusting) as answer,
		):
			assert answer.status == 200
			assert 'Secure' in answer.headers['Set-Cookie']

		assert served.url.startswith('https://')

	def test_what_is_no_certificate(self, tmp_path: Path) -> None:
		"""The file is named."""
		(tmp_path / 'bad.pem').write_text('none')
		for name in ('bad.pem', 'missing.pem'):
			with pytest.raises(BadCertificate, match=name):
				certificate_of(Serving(certificate=tmp_path / name))
		assert certificate_of(Serving()) is None


def test_bus_is_the_apps(tmp_path: Path) -> None:
	"""Whoever ends the server hears of jobs where everybody does."""
	bus = build_app(Settings(base=tmp_path))[BUS]
	heard: list[object] = []
	with bus.subscribe(heard.append):
		bus.publish(JobFinished(job='j', state='succeeded'))

	assert isinstance(bus, EventBus)
	assert len(heard) == 1
