"""Tokens and keys: who gets by without them, and where they come to light."""

from __future__ import annotations

import hmac
import io
import json
from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError
from yarl import URL

from server.attempts import MOST_ATTEMPTS
from server.auth import OPEN_PATHS
from server.keys import LOGS
from server.logs import logging_to
from server.tokens import Tokens
from tests.server.client import Api, call, saving, shade, slow
from tests.server.guarded import Guarded
from tests.server.weaknesses.tools import addresses

SECRETS = {'auth_token_comfy_org': 'S3cr3t-auth-token', 'api_key_comfy_org': 'S3cr3t-api-key'}
FORGED = '2026-01-01 00:00:00 INFO    server: forged'


class TestSecretsAreNotTold:
	"""Keys that go along with a job, and the tokens of the server itself."""

	async def test_keys_of_a_job_are_in_no_answer(self, api: Api) -> None:
		"""Not while it waits, runs or is over, not over the WebSocket, not in its picture."""
		async with api.listening('me') as socket:
			first = await api.submit(slow(), client_id='me', extra_data=SECRETS)
			second = await api.submit(saving(), client_id='me', extra_data=SECRETS)
			await api.running(first)
			told = [await (await api.get('/queue')).text()]
			await api.post('/interrupt', {'prompt_id': first})
			entry = await api.ended(second)
			told += [json.dumps(message) for message in await socket.until_over(second)]
		told += [await (await api.get(path)).text() for path in ('/history', f'/history/{first}', f'/history/{second}')]
		told += [
			await (await api.get(f'/v1/jobs/{second}/steps')).text(),
			await (await api.get('/internal/logs')).text(),
		]
		picture = entry['outputs']['2']['images'][0]
		told.append((await (await api.get('/view', **picture)).read()).decode('latin-1'))

		assert second in told[0]
		assert not [text for text in told if 'S3cr3t' in text or '_comfy_org' in text]

	async def test_keys_of_a_refused_job_are_not_told_either(self, api: Api) -> None:
		"""An answer to a bad prompt says what is wrong, and nothing of what came along."""
		status, body = await api.prompt({'1': call('Nothing')}, extra_data=SECRETS)

		assert status == 400
		assert 'S3cr3t' not in json.dumps(body)

	async def test_tokens_are_in_no_log(self, guarded: Guarded) -> None:
		"""However they were shown, right or wrong, to those who look at everything."""
		assert guarded.web.app is not None
		stream, ring, wrong = io.StringIO(), guarded.web.app[LOGS], 'S3cr3t' * 4
		with logging_to(ring, level='DEBUG', format='json', stream=stream):
			for token in (guarded.token, wrong):
				await guarded.web.get('/v1/login', params={'token': token, 'next': f'/?token={token}'})
				await guarded.web.get('/queue', params={'token': token})
				await guarded.web.get('/queue', headers={'Authorization': f'Bearer {token}'})
				await guarded.web.post('/v1/login', data={'token': token})
				await guarded.web.post('/v1/login', json={'token': token})
				guarded.forget()
				try:
					await (await guarded.web.ws_connect('/ws', params={'token': token})).close()
				except WSServerHandshakeError:
					assert token == wrong
		shown = await (await guarded.web.get('/internal/logs', headers=guarded.bearer)).text()

		assert stream.getvalue().count('\n') > 10
		for told in (stream.getvalue(), shown):
			assert '/v1/login' in told
			assert guarded.token not in told
			assert 'S3cr3t' not in told

	async def test_tokens_are_in_no_file(self, guarded: Guarded) -> None:
		"""What lies in the data folder lets nobody in."""
		await guarded.web.post('/v1/login', json={'token': guarded.token})
		cookies = [cookie.value for cookie in guarded.web.session.cookie_jar]
		kept = [path.read_bytes() for path in guarded.auth.tokens.path.parent.rglob('*') if path.is_file()]

		assert len(cookies) == 1
		for secret in (guarded.token, *cookies):
			assert not [content for content in kept if secret.encode() in content]


class TestRemoteAccess:
	"""Whoever reaches the port of a server in the network."""

	async def test_nothing_is_open_without_a_token(self, guarded: Guarded) -> None:
		"""Every route that there is, but for the login and the sign of life."""
		asked = [*addresses(guarded.web, safe=True), *addresses(guarded.web, safe=False)]
		found = {
			(method, path): (await guarded.web.request(method, path, data=b'', allow_redirects=False)).status
			for method, path in asked
		}
		open_ones = {place: status for place, status in found.items() if place[1] in OPEN_PATHS}

		assert {status for place, status in found.items() if place not in open_ones} == {401}
		assert {place: status for place, status in open_ones.items() if place[0] != 'HEAD'} == {
			('GET', '/v1/health/live'): 200,
			('GET', '/v1/login'): 200,
			('POST', '/v1/login'): 400,
			('POST', '/v1/logout'): 200,
		}
		assert len(found) > 40

	async def test_the_editors_files_are_not_open_either(self, guarded: Guarded) -> None:
		"""What no route answers is asked for a token first."""
		for path in ('/assets/main.js', '/favicon.svg', '/..%2ftokens.json', '/tokens.json', '/v1/health/live/..'):
			assert (await guarded.web.get(URL(path, encoded=True))).status == 401

	@pytest.mark.parametrize(
		'path',
		['//v1/login', '/v1/login/', '/v1%2Flogin', '/V1/LOGIN', '/v1/login;/queue', '/api/v1/login', '/v1/./login'],
	)
	async def test_an_open_path_opens_no_other(self, guarded: Guarded, path: str) -> None:
		"""What only looks like the login is closed."""
		assert guarded.web.app is not None
		asked = URL(f'http://127.0.0.1:{guarded.web.port}{path}', encoded=True)
		answer = await guarded.web.session.get(asked, allow_redirects=False)

		# The client itself makes `/v1/login` of `/v1/./login`, as browsers do.
		assert answer.status == (200 if answer.url.path == '/v1/login' and '%' not in path else 401)


class TestTokenGuessing:
	"""A token is found out by how long a comparison takes, or by trying."""

	def test_comparing_takes_the_same_steps_for_every_guess(
		self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""Each entry is looked at, by its hash, in constant time, wherever the right one stands and if there is none."""
		tokens = Tokens(tmp_path)
		made = [tokens.new(str(number)) for number in range(5)]
		compared: list[tuple[str, str]] = []
		compare = hmac.compare_digest

		def counting(kept: str, shown: str) -> bool:
			compared.append((kept, shown))
			return compare(kept, shown)

		monkeypatch.setattr('server.tokens.hmac.compare_digest', counting)
		for guess in (made[0], made[2], made[4], made[0][:-1], ''):
			compared.clear()
			tokens.find(guess)

			assert len(compared) == 5
			assert all(len(kept) == len(shown) == 64 for kept, shown in compared)

	async def test_trying_is_slowed_and_stopped(self, guarded: Guarded) -> None:
		"""By whichever door; all doors count together."""
		login = {'token': 'wrong'}
		statuses = []
		for number in range(MOST_ATTEMPTS + 6):
			match number % 4:
				case 0:
					answer = await guarded.web.post('/v1/login', json=login)
				case 1:
					answer = await guarded.web.post('/v1/login', data=login)
				case 2:
					answer = await guarded.web.get('/v1/login', params=login)
				case _:
					answer = await guarded.web.get('/queue', headers={'Authorization': 'Bearer wrong'})
			statuses.append(answer.status)

		assert statuses == [401] * MOST_ATTEMPTS + [429] * 6


class TestForgedLogLines:
	"""Text that a client sends ends up in the log, and looks like lines that the server wrote."""

	async def test_no_line_is_forged(self, api: Api) -> None:
		"""Neither by an address, nor by a header, nor over the WebSocket, nor by what a node says."""
		assert api.web.app is not None
		stream = io.StringIO()
		with logging_to(api.web.app[LOGS], level='DEBUG', format='human', stream=stream):
			await api.get(f'/nowhere\n{FORGED}')
			await api.web.post('/interrupt', headers={'Origin': f'http://x\x9b2J{FORGED}'})
			async with api.listening('me') as socket:
				await socket.socket.send_str(f'\x1b[2J\n{FORGED}')
				job = await api.submit(
					{
						'1': shade(),
						'2': call('Fail', paper=['1', 0], text=f'a\n{FORGED}\x1b[2J'),
						'3': call('Show', paper=['2', 0]),
					}
				)
				await api.ended(job)
		text = await api.json('/internal/logs')

		for told in (stream.getvalue(), text):
			assert 'forged' in told
			assert not {'\x1b', '\x9b'} & set(told)
			assert not [line for line in told.splitlines() if line.startswith(FORGED)]
