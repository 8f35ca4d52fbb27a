"""Prompts that went wrong: real ones, changed at random places in ways that clients, editors and hands change them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Prompt = Mapping[str, Any]
ODD: Sequence[object] = (
	None,
	True,
	-1,
	10**30,
	-(2**63),
	1e308,
	float('nan'),
	float('inf'),
	'',
	' ',
	'\x00',
	'ä\u202e',
	'x' * 5000,
	[],
	[[]],
	{},
	['1'],
	['1', 0, 0],
	['nobody', 0],
	['1', -1],
	['1', 10**9],
	['1', 'x'],
	[None, None],
	{'__value__': ['1', 0]},
	{'__value__': {'a': [1, {'b': 2}]}},
	'../../etc/passwd',
	'C:\\Windows\\win.ini',
	'%00%width%',
)


def mutations(prompts: Sequence[Prompt], count: int, seed: int = 0) -> Iterator[bytes]:
	"""Bodies of `POST /prompt`, most of them bad, some of them good all the same."""
	chance = random.Random(seed)
	for _ in range(count):
		body: Any = {'prompt': copy.deepcopy(chance.choice(prompts)), 'client_id': 'mutant'}
		for _ in range(chance.randint(1, 4)):
			body = _changed(body, chance)
		if chance.random() < 0.2:
			place, key = _place(body, chance)
			if place is not None:
				place[key] = _nested(place[key], chance.choice((3, 30, 150, 800)))
		text = json.dumps(body).encode()
		yield _damaged(text, chance) if chance.random() < 0.2 else text


def _changed(body: Any, chance: random.Random) -> Any:
	"""The body with another value, key or link at some place."""
	place, key = _place(body, chance)
	if place is None:
		return copy.deepcopy(chance.choice(ODD))
	match chance.randrange(5):
		case 0:
			place[key] = copy.deepcopy(chance.choice(ODD))
		case 1:
			del place[key]
		case 2 if isinstance(place, dict):
			place[str(chance.choice(ODD))[:100]] = place.pop(key)
		case 3 if isinstance(place, dict):
			place[f'{key} '] = copy.deepcopy(place[key])
		case _:
			other, name = _place(body, chance)
			# A copy: what is put into itself would have no end.
			place[key] = copy.deepcopy(other[name]) if other is not None else None
	return body


def _place(body: Any, chance: random.Random) -> tuple[Any, Any]:
	"""Somewhere in a document: a list or an object, and what is taken of it. None if there is nothing."""
	found: tuple[Any, Any] = (None, None)
	here = body
	while isinstance(here, dict | list) and here:
		keys = list(here) if isinstance(here, dict) else range(len(here))
		found = (here, chance.choice(keys))
		if chance.random() < 0.25:
			break
		here = here[found[1]]
	return found


def _nested(value: Any, depth: int) -> Any:
	for _ in range(depth):
		value = [value]
	return value


def _damaged(text: bytes, chance: random.Random) -> bytes:
	"""Cut, or with other bytes in it."""
	at = chance.randrange(len(text))
	if chance.random() < 0.5:
		return text[:at]
	return text[:at] + chance.randbytes(chance.randint(1, 4)) + text[at + chance.randint(0, 4) :]
