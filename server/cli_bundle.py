"""`lumengraph bundle`: a workflow with all that another machine must know or have, and what of it is missing here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from server.cli_codes import FAILED, OK
from server.cli_flags import settings_from
from server.cli_transfer import counted

if TYPE_CHECKING:
	from pydantic import JsonValue

	from engine.bundlecheck import BundleCheck, FoundModel
	from engine.formats.workflow import Workflow
	from engine.runner import Runner
	from engine.settings import Settings

MIB = 2**20
STATES = {
	'there': 'is there',
	'included': 'is in the bundle',
	'elsewhere': 'is there under another name',
	'other': 'is missing: what is there by this name is another model',
	'missing': 'is missing',
}


def add_bundle_command(parser: argparse.ArgumentParser, source: str) -> None:
	"""The grammar of `bundle`."""
	parser.epilog = 'exit codes: 0 written, or all is there; 1 something is missing here; 2 bad input'
	parser.add_argument('file', metavar='FILE', help=f'{source}; with --check, a bundle')
	parser.add_argument(
		'--output', dest='written', type=Path, metavar='FILE.zip', help='what to write (default: named after FILE)'
	)
	parser.add_argument('--with-models', action='store_true', help='put the models into it, which may be large')
	parser.add_argument('--check', action='store_true', help='say what of a bundle is missing on this machine')
	parser.add_argument('--json', action='store_true', help='print the lock, or what is missing, as JSON')
	parser.set_defaults(command=_bundle)


def _bundle(options: argparse.Namespace) -> int:
	return _check(options) if options.check else _write(options)


def _write(options: argparse.Namespace) -> int:
	from contextlib import closing

	from engine.bundle import write_bundle
	from engine.errors import BadDocument
	from engine.runner import Runner
	from server.cli_convert import tell_doubts
	from server.cli_source import exists, find_workflow
	from server.cli_uploads import taken_in
	from server.cli_values import with_values

	target = options.written or Path(f'{Path(options.file).stem}.zip')
	if exists(options.file) and target.exists() and target.samefile(options.file):
		raise BadDocument('The bundle would be written over what it is made of; --output names another file.')
	with (
		unpacked(options.file, settings_from(options)) as settings,
		closing(Runner(settings, lambda event: None)) as runner,
	):
		nodes = runner.kit.nodes.infos
		workflow = find_workflow(options.file, settings, nodes)
		tell_doubts(workflow)
		workflow = with_values(workflow, taken_in(workflow, nodes, settings, options.file))
		lock = write_bundle(workflow, runner, target, with_models=options.with_models)
	if options.json:
		print(lock.model_dump_json(indent=2))
		return OK
	print(target)
	models = counted(len(lock.requirements.models), 'model')
	inputs, packs = counted(len(lock.inputs), 'input'), counted(len(lock.requirements.packs), 'pack')
	how = 'in it' if options.with_models else 'named'
	print(f'{models} {how}, {inputs}, {packs}; {target.stat().st_size / MIB:.1f} MiB', file=sys.stderr)
	return OK


def _check(options: argparse.Namespace) -> int:
	from contextlib import closing

	from engine.bundle import open_bundle
	from engine.bundlecheck import check_bundle
	from engine.formats.workflow import read_workflow
	from engine.runner import Runner

	with (
		open_bundle(Path(options.file)) as bundle,
		closing(Runner(settings_from(options), lambda event: None)) as runner,
	):
		workflow = read_workflow(bundle.document, runner.kit.nodes.infos)
		found = check_bundle(bundle.lock, workflow, runner)
	if options.json:
		print(found.model_dump_json(indent=2))
	else:
		print('\n'.join([*in_words(found), 'all is there' if found.complete else 'not all is there']))
	return OK if found.complete else FAILED


def in_words(found: BundleCheck) -> Iterator[str]:
	"""A line for each thing that is needed, and for each version that is another."""
	for model in found.models:
		yield _model(model)
	for pack in found.packs:
		if pack.state == 'other':
			yield f'pack {pack.name}: wanted {pack.wanted or "any version"}, {pack.found or "of no known version"} is there'
		else:
			yield f'pack {pack.name} {pack.wanted}'.rstrip() + (' is there' if pack.state == 'there' else ' is missing')
	for kind in found.missing_kinds:
		yield f'nodes of the kind {kind!r} are known to nothing here'
	for change in found.changes:
		yield f'{change.what}: {change.before or "none"} there, {change.after or "none"} here'


def _model(model: FoundModel) -> str:
	line = f'model {model.folder}/{model.name}, {model.size / MIB:.1f} MiB, {STATES[model.state]}'
	if model.found:
		line += f': {model.found}'
	return f'{line}; it is found at {model.url}' if model.url and model.state in ('other', 'missing') else line


@contextmanager
def unpacked(source: str, settings: Settings) -> Iterator[Settings]:
	"""The settings with which the workflow of a bundle finds what it brings; as they are for anything else.

	What was unpacked is gone afterwards. Raises `BadDocument` for a damaged bundle.
	"""
	from tempfile import TemporaryDirectory

	from engine.bundle import INPUT, MODELS, is_bundle, open_bundle

	if not is_bundle(Path(source)):
		yield settings
		return
	with TemporaryDirectory(prefix='lumengraph-bundle-') as name, open_bundle(Path(source)) as bundle:
		folder = Path(name)
		bundle.unpack(folder)
		changes: dict[str, object] = {}
		if bundle.lock.inputs:
			changes['input'] = folder / INPUT
		brought = {path.name: path for path in folder.glob(f'{MODELS}/*')}
		if brought:
			# Before others of their names: these are the ones that are meant.
			first = {kind: (path, *settings.first_models.get(kind, ())) for kind, path in brought.items()}
			changes['first_models'] = {**settings.first_models, **first}
		yield settings.model_copy(update=changes)


def substituted(source: str, workflow: Workflow, runner: Runner) -> dict[str, JsonValue]:
	"""What to set in the workflow of a bundle so that it runs here: models that are here under other names.

	Raises `BadDocument` with everything that is missing. Nothing is set, or missing, for what is no bundle.
	"""
	from engine.bundle import is_bundle, open_bundle
	from engine.bundlecheck import check_bundle, substitutes
	from engine.errors import BadDocument

	if not is_bundle(Path(source)):
		return {}
	with open_bundle(Path(source)) as bundle:
		found = check_bundle(bundle.lock, workflow, runner)
	if not found.complete:
		raise BadDocument('\n'.join(['not all that it needs is there:', *in_words(found)]), where=source)
	return substitutes(found, workflow, runner)
