"""Files that something has happened to: they give a graph or a list of what is wrong, whatever it was."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadDocument
from engine.formats.convert import converted
from engine.formats.workflow import Form, parse_json, read_workflow
from engine.graph import Graph
from tests.engine.formats.declared import infos

REAL = Path(__file__).parent / 'real'
FILES = sorted(REAL.glob('*.json'))
FORMS: tuple[Form, ...] = ('native', 'api', 'editor')
CASES = 2000
ODD: tuple[Any, ...] = (
	*(None, True, -1, 0, 4, 2**70, 1.5, float('nan'), '', '0', '-10', 'x', 'a:b'),
	*([], {}, [[]], [None] * 6, {'0': 1}, {'value': 1}, {'node': 'x', 'output': 0}, [1, 2, 3, 4, 5, 6]),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
	"""Every container of a document with each of its keys."""
	keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
	for key in keys:
		yield value, key
		yield from places(value[key])


def copied(value: Any) -> Any:
	"""A value as a file would hold it once more."""
	return json.loads(json.dumps(value))


def spoilt(document: Any, chance: random.Random) -> Any:
	"""The document with some of its values replaced by others, removed, wrapped or shuffled."""
	for _ in range(chance.choice((1, 3, 20))):
		spots = list(places(document))
		if not spots:
			return document
		container, key = chance.choice(spots)
		match chance.randrange(5):
			case 0:
				container[key] = copied(chance.choice(ODD))
			case 1:
				other, elsewhere = chance.choice(spots)
				container[key] = copied(other[elsewhere])
			case 2:
				del container[key]
			case 3 if isinstance(container, list):
				chance.shuffle(container)
			case _:
				container[key] = [copied(container[key])]
	return document


@cache
def natives() -> tuple[str, ...]:
	"""The files of the editor form as native ones, with their subgraphs, as text."""
	return tuple(
		json.dumps(converted(read_workflow(json.loads(path.read_text()), infos()), 'native', infos()))
		for path in FILES
		if '.workflow.' in path.name
	)


@pytest.mark.parametrize('part', range(10))
def test_spoilt_files(part: int) -> None:
	"""Values of other types, in other places, or none: read, or refused with a reason; and written in every form."""
	assert survivors(part, lambda chance: chance.choice(FILES).read_text()) > CASES // 20


@pytest.mark.parametrize('part', range(10))
def test_spoilt_native_files(part: int) -> None:
	"""The same with files of our own form."""
	assert survivors(part, lambda chance: chance.choice(natives())) > CASES // 50


def survivors(part: int, chosen: Callable[[random.Random], str]) -> int:
	"""How many of a tenth of the cases could be read."""
	read = 0
	for number in range(part * CASES // 10, (part + 1) * CASES // 10):
		chance = random.Random(number)
		document = spoilt(json.loads(chosen(chance)), chance)
		try:
			workflow = read_workflow(document, infos())
		except BadDocument:
			continue
		read += 1
		# Changed, so that it is drawn anew over what the file had.
		rest = Graph(dict(list(workflow.graph.calls.items())[1:]))
		json.dumps(converted(replace(workflow, graph=rest), 'editor', infos()))
		for form in FORMS:
			again = copied(converted(workflow, form, infos()))
			# An empty graph says of no form that it is of it.
			with suppress(BadDocument):
				read_workflow(again, infos())
	return read


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_cut_files(path: Path) -> None:
	"""A file that ends too early is no JSON, and the message says where it ends."""
	content = path.read_bytes().rstrip()
	chance = random.Random(path.name)
	for _ in range(20):
		with pytest.raises(BadDocument, match='This is not JSON'):
			parse_json(content[: chance.randrange(len(content))])
