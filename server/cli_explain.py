"""`lumengraph explain`: what a workflow does, in words, before it runs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from server.cli_codes import BAD_INPUT, OK
from server.cli_flags import settings_from

if TYPE_CHECKING:
	from engine.explain import Explanation, FileExplanation, NodeExplanation

MIB = 2**20
SHOWN = 80


def add_explain_command(parser: argparse.ArgumentParser, source: str) -> None:
	"""The grammar of `explain`."""
	parser.epilog = 'exit codes: 0 it can be run; 2 it cannot, or there is no such workflow'
	parser.add_argument('file', metavar='FILE', help=source)
	parser.add_argument('--json', action='store_true', help='print all of it as JSON')
	parser.set_defaults(command=_explain)


def _explain(options: argparse.Namespace) -> int:
	from contextlib import closing

	from engine.explain import explain
	from engine.runner import Runner
	from server.cli_bundle import unpacked
	from server.cli_source import find_workflow
	from server.cli_uploads import lie_beside

	with (
		unpacked(options.file, settings_from(options)) as settings,
		closing(Runner(settings, lambda event: None)) as runner,
	):
		workflow = find_workflow(options.file, settings, runner.kit.nodes.infos)
		found = explain(workflow, runner, lie_beside(workflow, runner.kit.nodes.infos, settings, options.file))
	print(found.model_dump_json(indent=2) if options.json else '\n'.join(in_words(found)))
	return BAD_INPUT if found.problems else OK


def in_words(found: Explanation) -> Iterator[str]:
	"""All that there is to say."""
	from server.cli_forecast import in_words as memory_in_words

	told = ': '.join(part for part in (found.title, found.description) if part)
	yield told or f'A workflow in the {found.form} form'
	runs = sum(node.fate == 'runs' for node in found.nodes)
	cached = sum(node.fate == 'cached' for node in found.nodes)
	seconds = [node.seconds for node in found.nodes if node.seconds is not None]
	long = f' (about {sum(seconds):.1f} s, as far as earlier runs tell)' if seconds else ''
	yield f'{len(found.nodes)} nodes: {runs} would run{long}, {cached} have their results in the cache'
	for node in found.nodes:
		yield ''
		yield from _node(node)
	sections = (
		(
			'inputs',
			[f'{one.name} ({one.place})' + f': {one.description}' * bool(one.description) for one in found.inputs],
		),
		('files', [_file(file) for file in found.files]),
		('seeds', [f'{seed.place} = {seed.value}' for seed in found.seeds]),
		('problems', list(found.problems)),
		('warnings', list(found.warnings)),
	)
	for heading, lines in sections:
		if lines:
			yield from ('', heading, *(f'  {line}' for line in lines))
	if found.memory is not None:
		yield from ('', memory_in_words(found.memory))


def _node(node: NodeExplanation) -> Iterator[str]:
	title = f' "{node.title}"' if node.title and node.title != node.kind else ''
	what = f': {node.what}' if node.what else '' if node.known else ': a kind that is not known here'
	yield f'{node.node} · {node.kind}{title}{what}'
	for link in node.links:
		yield f'  {link.input} ← {link.output} of {link.node}' + (
			f' ({link.type})' if link.type not in ('', link.output) else ''
		)
	values = [f'{name} = {_value(value)}' for name, value in node.values.items()]
	if values:
		yield f'  {", ".join(values)}'
	yield f'  → {fate(node)}'


def fate(node: NodeExplanation) -> str:
	"""What would become of a node, and why."""
	from server.cli_why import in_words as why_in_words

	match node.fate:
		case 'cached':
			return 'from the cache'
		case 'runs':
			reason = why_in_words(node.why)
			return 'would run' + f': {reason}' * bool(reason)
		case 'asked':
			return 'would run only if a node that reads it asks for it'
		case 'spared':
			return 'not needed: what reads it is in the cache'
		case 'unused':
			return 'never runs: nothing that is saved or shown needs it'
		case 'unknown':
			return 'cannot be told: see the problems and warnings'


def _value(value: object) -> str:
	text = json.dumps(value, ensure_ascii=False)
	return text if len(text) <= SHOWN else f'{text[: SHOWN - 1]}…'


def _file(file: FileExplanation) -> str:
	where = f'{file.folder}/{file.name}, for {", ".join(file.nodes)}'
	if not file.there:
		return f'{where}: not there'
	family = f', {file.family}' if file.family else ''
	damage = f'; damaged: {file.damage}' if file.damage else ''
	return f'{where}: {file.size / MIB:.1f} MiB{family}{damage}'
