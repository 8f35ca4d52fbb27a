"""`lumengraph diff`: what is another in one workflow than in an earlier one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from server.cli_flags import settings_from

if TYPE_CHECKING:
	from engine.formats.difference import Difference, GivenAs, InputChange, NamedChange, NodeChange, NodeMark

SAME, DIFFERENT = 0, 1
SHOWN = 70


def add_diff_command(parser: argparse.ArgumentParser) -> None:
	"""The grammar of `diff`."""
	for name, what in (('before', 'the earlier workflow'), ('after', 'the later one')):
		parser.add_argument(name, metavar=name.upper(), help=f'{what}: a file of any form, a picture, or a name')
	parser.add_argument('--json', action='store_true', help='print the difference as JSON')
	parser.set_defaults(command=_diff)


def _diff(options: argparse.Namespace) -> int:
	from contextlib import closing

	from engine.formats.difference import difference
	from engine.runner import Runner
	from server.cli_source import find_workflow

	settings = settings_from(options)
	with closing(Runner(settings, lambda event: None)) as runner:
		nodes = runner.kit.nodes.infos
		before, after = (find_workflow(name, settings, nodes) for name in (options.before, options.after))
		found = difference(before, after, nodes)
	if options.json:
		print(found.model_dump_json(indent=2))
	else:
		for line in in_words(found):
			print(line)
	return SAME if found.same else DIFFERENT


def in_words(found: Difference) -> Iterator[str]:
	"""A line for each thing that is another, `-` before what was, `+` before what is."""
	for text in found.texts:
		yield f'~ {text.field}: {shown(text.before)} → {shown(text.after)}'
	for what, changes in (('input', found.inputs), ('output', found.outputs)):
		for named in changes:
			yield from _named(what, named)
	for mark in found.removed:
		yield f'- {_marked(mark)}'
	for mark in found.added:
		yield f'+ {_marked(mark)}'
	for change in found.changed:
		yield from _node(change)


def _node(change: NodeChange) -> Iterator[str]:
	before, after = change.before, change.after
	renumbered = f' (was {before.node})' if before.node != after.node else ''
	yield f'~ {after.node}{renumbered}: {after.kind}'
	if before.kind != after.kind:
		yield f'    kind: {before.kind} → {after.kind}'
	if before.title != after.title:
		yield f'    title: {shown(before.title)} → {shown(after.title)}'
	for given in change.inputs:
		yield f'    {_input(given)}'


def _input(change: InputChange) -> str:
	name = f'{change.input} (rewired)' if change.change == 'rewired' else change.input
	if change.before is None:
		return f'+ {name}: {_given(change.after)}'
	if change.after is None:
		return f'- {name}: {_given(change.before)}'
	return f'{name}: {_given(change.before)} → {_given(change.after)}'


def _given(given: GivenAs | None) -> str:
	if given is None:
		return 'nothing'
	return f'{given.link.node}.{given.link.output}' if given.link is not None else shown(given.value)


def _named(what: str, change: NamedChange) -> Iterator[str]:
	if change.change == 'changed':
		yield f'~ workflow {what} {change.name}'
		before, after = change.before or {}, change.after or {}
		for key in dict.fromkeys((*before, *after)):
			if before.get(key) != after.get(key):
				yield f'    {key}: {shown(before.get(key))} → {shown(after.get(key))}'
	else:
		yield f'{"+" if change.change == "added" else "-"} workflow {what} {change.name}'


def _marked(mark: NodeMark) -> str:
	return f'{mark.node}: {mark.kind}' + (f' "{mark.title}"' if mark.title else '')


def shown(value: object) -> str:
	"""A value as JSON, cut short."""
	text = json.dumps(value, ensure_ascii=False)
	return text if len(text) <= SHOWN else f'{text[: SHOWN - 1]}…'
