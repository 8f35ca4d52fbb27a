"""Takes secrets out of text before anybody can read it: log lines, addresses, what workers print."""

from __future__ import annotations

import re

HIDDEN = '…'
# In each, what comes before the secret is a group; the secret ends where its quotes, word or line does.
SECRETS = re.compile(
	r"""
	(?P<query>(?:[?&;]|%3F|%26)token(?:=|%3D))[^&\s"'<>]+
	| (?P<header>\bauthorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;}\\]+
	| (?P<bearer>\bbearer\s+)[\w.~+/=-]{8,}
	| (?P<cookie>\b(?:set-)?cookie\\*["']?\s*[:=]\s*)[^\r\n]+
	| (?P<field>\b(?:auth_token|api_key)_comfy_org\\*["']?\s*[:=]\s*\\*["']?)[^\s"',;}\\]+
	| (?P<known>\b(?:lumen_|hf_))[\w-]{20,}
	""",
	re.IGNORECASE | re.VERBOSE,
)


def redact(text: str) -> str:
	"""The text with tokens, keys and cookies replaced."""
	return SECRETS.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
	return f'{found[found.lastgroup or 0]}{HIDDEN}'
