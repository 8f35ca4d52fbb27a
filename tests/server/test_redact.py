"""Secrets taken out of text."""

from __future__ import annotations

import json

import pytest

from server.redact import redact
from server.tokens import TOKEN_MARK

SECRET = 'S3cr3t-value_0123456789abcdef'
OURS = f'{TOKEN_MARK}{"a1B2-" * 8}xyz'


class TestRedact:
	"""What must not be read by anybody."""

	@pytest.mark.parametrize(
		'text',
		[
			f'GET /ws?token={SECRET}&clientId=1 101',
			f'GET /v1/login?next=%2F%3Ftoken%3D{SECRET} 200',
			f'Authorization: Bearer {SECRET}',
			f'authorization: basic {SECRET}',
			f"{{'Authorization': 'Bearer {SECRET}'}}",
			f'the header was bearer {SECRET}.',
			f'Cookie: a=b; lumengraph_8188={SECRET}',
			f'Set-Cookie: lumengraph={SECRET}; HttpOnly',
			f'{{"auth_token_comfy_org": "{SECRET}"}}',
			f"{{'api_key_comfy_org': '{SECRET}', 'other': 1}}",
			json.dumps({'told': json.dumps({'api_key_comfy_org': SECRET})}),
			f'api_key_comfy_org={SECRET}',
		],
	)
	def test_secret_is_taken_out(self, text: str) -> None:
		"""However it is written, what stands before it stays, so that the line still says what it was."""
		told = redact(text)

		assert SECRET not in told
		assert '…' in told
		assert told[:4] == text[:4]

	@pytest.mark.parametrize('text', [OURS, f'what is {OURS}?', f'"{OURS}"', 'hf_abcdefghijklmnopqrstuvwxyz'])
	def test_tokens_are_known_by_their_looks(self, text: str) -> None:
		"""Ours, and those of the hub that people have most."""
		told = redact(text)

		assert OURS not in told
		assert 'abcdefghijklmnopqrstuvwxyz' not in told

	@pytest.mark.parametrize(
		'text',
		[
			'The token was not right.',
			'GET /view?filename=token=.png 200',
			'tokens: 77, tokenizer loaded',
			'the bearer of news',
			'lumen_demo',
			'two cookies',
			'authorization failed',
		],
	)
	def test_other_words_stay(self, text: str) -> None:
		"""Lines stay readable."""
		assert redact(text) == text

	def test_what_follows_stays(self) -> None:
		"""Only the secret goes."""
		assert redact(f'/ws?token={SECRET}&clientId=7') == '/ws?token=…&clientId=7'
