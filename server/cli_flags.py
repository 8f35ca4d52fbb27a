"""Flags that several commands share, and the settings that they make. ComfyUI's spellings are taken too."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from engine.settings import Precision, Settings
from server.cli_workers import worker_settings
from server.limits import MAX_BODY, MEGABYTE

GIGABYTE = 2**30


def folder_flags() -> argparse.ArgumentParser:
	"""Where things lie."""
	flags = argparse.ArgumentParser(add_help=False)
	flags.add_argument(
		'--base', '--base-directory', type=place, metavar='DIR', help='folder of input/, output/, temp/ and models/'
	)
	flags.add_argument(
		'--data', '--data-directory', type=place, metavar='DIR', help='folder of the database: queue and history'
	)
	flags.add_argument('--models', type=place, metavar='DIR', help='folder of model files')
	flags.add_argument('--input', '--input-directory', type=place, metavar='DIR', help='folder of input pictures')
	flags.add_argument(
		'--user', '--user-directory', type=place, metavar='DIR', help='folder of settings and saved workflows'
	)
	flags.add_argument(
		'--custom-nodes',
		type=place,
		action='append',
		default=[],
		metavar='DIR',
		help='a folder of custom nodes, besides custom_nodes/ of the base; may be repeated',
	)
	flags.add_argument('--disable-all-custom-nodes', action='store_true', help='load no custom nodes')
	flags.add_argument(
		'--whitelist-custom-nodes',
		nargs='+',
		default=[],
		metavar='NAME',
		help='packs that are loaded although all others are disabled',
	)
	flags.add_argument(
		'--extra-model-paths-config',
		type=Path,
		action='append',
		default=[],
		metavar='FILE',
		help='a YAML file that names more folders of models and of custom nodes; may be repeated',
	)
	return flags


def output_flags() -> argparse.ArgumentParser:
	"""Where results go, and what is kept of them."""
	flags = argparse.ArgumentParser(add_help=False)
	flags.add_argument('--output', '--output-directory', type=place, metavar='DIR', help='folder for saved pictures')
	flags.add_argument('--temp', '--temp-directory', type=place, metavar='DIR', help='folder for pictures not kept')
	flags.add_argument(
		'--disable-metadata', '--no-metadata', action='store_true', help='write no workflow into saved pictures'
	)
	flags.add_argument('--cpu', action='store_true', help='compute on the CPU, even if there is a GPU')
	flags.add_argument(
		'--precision',
		choices=get_args(Precision),
		default='auto',
		help='what models are computed in: what suits device and model, or float32 always (default: auto)',
	)
	flags.add_argument(
		'--compile',
		action='store_true',
		help='compile the blocks of diffusion models: slow the first time, quicker then (needs a C++ compiler)',
	)
	return flags


def front_end_flags() -> argparse.ArgumentParser:
	"""What front ends get of the server."""
	flags = argparse.ArgumentParser(add_help=False)
	group = flags.add_argument_group('front ends')
	group.add_argument(
		'--front-end-root',
		type=folder,
		metavar='DIR',
		help="serve this built front end instead of the program's editor",
	)
	group.add_argument('--multi-user', action='store_true', help='keep settings and workflows apart by user')
	group.add_argument(
		'--max-upload-size',
		type=megabytes,
		default=MAX_BODY,
		metavar='MB',
		help=f'how large uploads may be (default: {MAX_BODY // MEGABYTE})',
	)
	return flags


def history_flags() -> argparse.ArgumentParser:
	"""How long jobs that are over are remembered."""
	flags = argparse.ArgumentParser(add_help=False)
	group = flags.add_argument_group('jobs that are over')
	group.add_argument('--keep-jobs', type=natural, metavar='N', help='remember the last N of them (default: 10000)')
	group.add_argument('--keep-days', type=days, metavar='N', help='forget them after N days (default: never)')
	return flags


def cache_flags() -> argparse.ArgumentParser:
	"""What is kept of the nodes' results."""
	flags = argparse.ArgumentParser(add_help=False)
	group = flags.add_argument_group('results that are kept')
	modes = group.add_mutually_exclusive_group()
	modes.add_argument('--cache-classic', action='store_true', help='those of the last prompt, in memory')
	modes.add_argument(
		'--cache-lru', type=natural, metavar='N', help='those of the nodes of the last N prompts, in memory'
	)
	modes.add_argument(
		'--cache-ram',
		type=gigabytes,
		nargs='?',
		const=0.0,
		metavar='GB',
		help='what leaves this much memory free, in memory',
	)
	modes.add_argument('--cache-none', action='store_true', help='none')
	group.add_argument('--no-disk-cache', action='store_true', help='none on disk')
	return flags


def place(text: str) -> Path:
	"""A folder, which may not be there yet."""
	path = Path(text)
	try:
		is_file = path.exists() and not path.is_dir()
	except OSError as error:  # A name too long for the file system, or in a folder that may not be looked into.
		raise argparse.ArgumentTypeError(f'{text!r}: {error.strerror}') from None
	if is_file:
		raise argparse.ArgumentTypeError(f'{text!r} is a file, not a folder')
	return path


def natural(text: str) -> int:
	"""A whole number from 1."""
	if not text.isdecimal() or not int(text):
		raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 1')
	return int(text)


def days(text: str) -> float:
	"""A positive number of days."""
	try:
		number = float(text)
	except ValueError:
		number = 0.0
	if not 0 < number < 1e6:
		raise argparse.ArgumentTypeError(f'{text!r} is no number of days')
	return number


def gigabytes(text: str) -> float:
	"""A positive number of gigabytes."""
	try:
		size = float(text)
	except ValueError:
		size = 0.0
	if not 0 < size < 2**20:
		raise argparse.ArgumentTypeError(f'{text!r} is no number of gigabytes')
	return size


def megabytes(text: str) -> int:
	"""A positive number of megabytes, as bytes."""
	try:
		size = float(text)
	except ValueError:
		size = 0.0
	if not 0 < size < 2**30:
		raise argparse.ArgumentTypeError(f'{text!r} is no number of megabytes')
	return int(size * MEGABYTE)


def folder(text: str) -> Path:
	"""A folder that is there."""
	path = Path(text).expanduser()
	try:
		is_folder = path.is_dir()
	except OSError as error:
		raise argparse.ArgumentTypeError(f'{text!r}: {error.strerror}') from None
	if not is_folder:
		raise argparse.ArgumentTypeError(f'there is no folder {text!r}')
	return path.resolve()


def settings_from(options: argparse.Namespace) -> Settings:
	"""The settings that the flags name; relative folders are seen from where the command was given.

	Raises `BadDocument` for a file of extra folders that cannot be read.
	"""
	places = ('base', 'data', 'models', 'input', 'output', 'temp', 'user')
	named = {name: getattr(options, name, None) for name in places}
	packs = [folder.resolve() for folder in options.custom_nodes]
	models: dict[str, tuple[Path, ...]] = {}
	first: dict[str, tuple[Path, ...]] = {}
	for file in options.extra_model_paths_config:
		# The reader of YAML is imported only by those who need it.
		from engine.extra_paths import read_extra_paths

		extra = read_extra_paths(file)
		packs += extra.custom_nodes
		for kind, folders in extra.models.items():
			models[kind] = (*models.get(kind, ()), *folders)
		for kind, folders in extra.first.items():
			first[kind] = (*first.get(kind, ()), *folders)
	return Settings.model_validate(
		{
			**{name: path.resolve() for name, path in named.items() if path is not None},
			'custom_nodes': tuple(packs),
			'extra_models': models,
			'first_models': first,
			'packs': not options.disable_all_custom_nodes,
			'multi_user': getattr(options, 'multi_user', False),
			'allowed_packs': tuple(options.whitelist_custom_nodes),
			'precision': getattr(options, 'precision', 'auto'),
			'compile': getattr(options, 'compile', False),
			'metadata': not getattr(options, 'disable_metadata', False),
			'cpu': getattr(options, 'cpu', False),
			**history_settings(options),
			**cache_settings(options),
			**worker_settings(options),
		}
	)


def history_settings(options: argparse.Namespace) -> dict[str, object]:
	"""What the flags say about jobs that are over."""
	named = {name: getattr(options, name, None) for name in ('keep_jobs', 'keep_days')}
	return {name: value for name, value in named.items() if value is not None}


def cache_settings(options: argparse.Namespace) -> dict[str, object]:
	"""What the flags say about the results that are kept."""
	given = vars(options)
	found: dict[str, object] = {'disk_bytes': 0} if given.get('no_disk_cache') else {}
	if given.get('cache_classic'):
		found['cache_mode'] = 'classic'
	elif given.get('cache_none'):
		found['cache_mode'] = 'none'
	elif given.get('cache_lru') is not None:
		found.update(cache_mode='lru', cache_entries=given['cache_lru'])
	elif given.get('cache_ram') is not None:
		found.update(cache_mode='ram', headroom_bytes=int(given['cache_ram'] * GIGABYTE) or None)
	return found
