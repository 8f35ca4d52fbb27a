"""Names of saved files: what the %placeholders% in the prefix of one stand for.

| placeholder | is filled in | with |
|---|---|---|
| `%width%` `%height%` `%batch_num%` | when a picture is saved | its size, its place in the batch |
| `%year%` `%month%` `%day%` `%hour%` `%minute%` `%second%` | then, too | the time |
| `%date:yyyy-MM-dd_hhmmss%` | then, too | the time in any form |
| `%Node.input%` | when a workflow is queued | an input's value; the node by kind, title or id |

ComfyUI's editor fills in the last two as it makes an API prompt of its canvas.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.graph import Call, Constant, Graph, Link, NodeId

PREFIX = 'filename_prefix'
"""The input that is the prefix, in all kinds that save files."""
PLAIN_WORDS = ('width', 'height', 'batch_num', 'year', 'month', 'day', 'hour', 'minute', 'second')
PLAIN = re.compile(f'%({"|".join(PLAIN_WORDS)})%')
DATE = re.compile(r'%date:([^%]+)%')
DATE_PART = re.compile(r'yyyy|yy|MM?|dd?|hh?|mm?|ss?')
FORBIDDEN = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
"""Signs that names of files cannot hold everywhere."""
LONGEST = 100
"""Bytes of a value in a name: file systems take 255 in all, and the name has a number and an ending beside."""


def expand(prefix: str, width: int, height: int, index: int) -> str:
	"""Fill in what is known when a picture is saved; other placeholders stay."""
	now = time.localtime()
	values = {
		'width': str(width),
		'height': str(height),
		'batch_num': str(index),
		'year': f'{now.tm_year}',
		'month': f'{now.tm_mon:02}',
		'day': f'{now.tm_mday:02}',
		'hour': f'{now.tm_hour:02}',
		'minute': f'{now.tm_min:02}',
		'second': f'{now.tm_sec:02}',
	}
	dated = DATE.sub(lambda match: _dated(match[1], now), prefix)
	return PLAIN.sub(lambda match: values[match[1]], dated)


def _dated(form: str, now: time.struct_time) -> str:
	"""A time in the form that people write: one letter is a number as it is, two are two digits of it."""
	numbers = {'M': now.tm_mon, 'd': now.tm_mday, 'h': now.tm_hour, 'm': now.tm_min, 's': now.tm_sec}

	def part(match: re.Match[str]) -> str:
		letters = match[0]
		if letters[0] == 'y':
			return str(now.tm_year)[-len(letters) :]
		return f'{numbers[letters[0]]:0{len(letters)}}'

	return DATE_PART.sub(part, form)


def with_prefixes(graph: Graph, nodes: Mapping[str, NodeInfo]) -> Graph:
	"""The graph with the values that prefixes ask for. What names no node, or an input that is linked, stays.

	Of several nodes of a name, one of this kind counts first, then one of this title, then one of this id; of several of
	these, the one that comes before the node that saves. That matters in a sweep, where each has copies.
	"""
	changes: dict[NodeId, dict[str, Constant]] = {}
	for node, call in graph.calls.items():
		prefix = call.inputs.get(PREFIX)
		if call.kind not in nodes or not isinstance(prefix, Constant) or not isinstance(prefix.value, str):
			continue
		filled = _filled(graph, node, prefix.value)
		if filled != prefix.value:
			changes[node] = {PREFIX: Constant(filled)}
	return graph.with_inputs(changes) if changes else graph


def _filled(graph: Graph, saver: NodeId, prefix: str) -> str:
	"""A prefix with its values. A sign that begins no placeholder may be the one before which the next begins."""
	begin, *parts = prefix.split('%')
	made = [begin]
	while parts:
		word = parts.pop(0)
		# What comes after the last sign is in no pair.
		value = _value(graph, saver, word) if parts else None
		if value is None:
			made.append(f'%{word}')
		else:
			made += (value, parts.pop(0))
	return ''.join(made)


def _value(graph: Graph, saver: NodeId, word: str) -> str | None:
	"""What stands for a word between two signs; nothing if it is no placeholder."""
	if word in PLAIN_WORDS or word.startswith('date:'):
		return f'%{word}%'
	name, _, wanted = word.rpartition('.')
	calls = _named(graph, name, saver) if name else ()
	given = next((call.inputs[wanted] for call in calls if wanted in call.inputs), None)
	if given is None:
		return None
	return _written(given.value) if isinstance(given, Constant) else f'%{word}%'


def _written(value: JsonValue) -> str:
	"""A value as JavaScript writes it, in signs that any name may hold, and short."""
	match value:
		case None:
			text = ''
		case bool():
			text = str(value).lower()
		case float() if value.is_integer() and abs(value) < 1e21:
			text = str(int(value))
		case _:
			text = str(value)
	return shortened(FORBIDDEN.sub('_', text).strip(' .'), LONGEST).rstrip(' .') or '_'


def shortened(text: str, size: int) -> str:
	"""As much of the beginning of a text as this many bytes of UTF-8 hold. Halves of surrogate pairs are left out."""
	return text.encode(errors='ignore')[:size].decode(errors='ignore')


def _named(graph: Graph, name: str, saver: NodeId) -> Iterator[Call]:
	"""The nodes of a name: by kind, then by title, then by id; of each those first that the node that saves comes after."""
	found: dict[NodeId, int] = {}
	for node, call in graph.calls.items():
		names = (call.kind, call.title, node, node.partition('#')[0])
		if name in names:
			found[node] = names.index(name)
	before = _before(graph, saver) if len(found) > 1 else set()
	for node in sorted(found, key=lambda node: (found[node], node not in before)):
		yield graph.calls[node]


def _before(graph: Graph, node: NodeId) -> set[NodeId]:
	"""All nodes that a node comes after."""
	seen: set[NodeId] = set()
	waiting = [node]
	while waiting:
		for argument in graph.calls[waiting.pop()].inputs.values():
			if isinstance(argument, Link) and argument.node in graph.calls and argument.node not in seen:
				seen.add(argument.node)
				waiting.append(argument.node)
	return seen
