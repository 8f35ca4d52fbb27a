"""`lumengraph models`: what a running server holds in memory, or the model files where none runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.errors import EngineError
from server.cli_flags import settings_from

if TYPE_CHECKING:
	from engine.modelreport import ResidentReport
	from engine.settings import Settings
	from server.schemas.residents import ModelsStatus

DEFAULT_SERVER = 'http://127.0.0.1:8188'
TOKEN = 'LUMENGRAPH_TOKEN'  # noqa: S105 - the name of a variable
ASK_SECONDS = 10.0
MIB = 2**20


class NoServer(EngineError):
	"""No server answers there, or not as ours would."""


def add_models_command(parser: argparse.ArgumentParser) -> None:
	"""The grammar of `models`."""
	parser.add_argument(
		'--server', metavar='URL', default='', help=f'the server to ask (default: {DEFAULT_SERVER}, if one runs there)'
	)
	parser.add_argument(
		'--token', metavar='TOKEN', default=os.environ.get(TOKEN, ''), help=f'what it asks for (default: ${TOKEN})'
	)
	parser.add_argument('--files', action='store_true', help='list the model files, whether a server runs or not')
	parser.set_defaults(command=_models)


def _models(options: argparse.Namespace) -> int:
	if not options.files:
		try:
			status = ask(options.server or DEFAULT_SERVER, options.token)
		except NoServer as error:
			if options.server:
				raise
			print(f'{error} These are the model files:', file=sys.stderr)
		else:
			print('\n'.join(residents(status)))
			return 0
	print('\n'.join(files(settings_from(options))))
	return 0


def ask(server: str, token: str) -> ModelsStatus:
	"""What the server says of its models. Raises `NoServer`."""
	from urllib.error import HTTPError
	from urllib.request import Request, urlopen

	from pydantic import ValidationError

	from server.schemas.residents import ModelsStatus

	url = f'{server.rstrip("/")}/v1/models/status'
	if not url.startswith(('http://', 'https://')):
		raise NoServer(f'{server!r} is no address of a server: it must begin with http:// or https://.')
	request = Request(url, headers={'Authorization': f'Bearer {token}'} if token else {})  # noqa: S310 - checked above
	try:
		with urlopen(request, timeout=ASK_SECONDS) as answer:  # noqa: S310
			return ModelsStatus.model_validate_json(answer.read())
	except HTTPError as error:
		hint = f' It asks for a token: give --token, or set {TOKEN}.' if error.code in (401, 429) else ''
		raise NoServer(f'The server at {server} answers {error.code} {error.reason}.{hint}') from error
	except OSError as error:
		raise NoServer(f'No server answers at {server}.') from error
	except ValidationError as error:
		raise NoServer(f'What answers at {server} is no Lumengraph server.') from error


def residents(status: ModelsStatus) -> Iterator[str]:
	"""A line per worker and per model."""
	for worker in status.workers:
		rooms = ', '.join(
			f'{worker.used[place] / MIB:.0f} of {budget / MIB:.0f} MiB at {place}'
			for place, budget in worker.budgets.items()
			if budget
		)
		yield f'{worker.worker}: {rooms}'
		for resident in worker.residents:
			yield f'  {described(resident)}'
		for work in worker.work:
			yield f'  {work.nbytes / MIB:.0f} MiB to {work.label}'
		if not worker.residents:
			yield '  no models'


def described(resident: ResidentReport) -> str:
	"""One model in a line."""
	words = [f'{resident.part} of {resident.model or "…"}']
	if resident.patches:
		words[0] += f' + {", ".join(resident.patches)}'
	words.append(
		', '.join(f'{nbytes / MIB:.0f} MiB at {place}' for place, nbytes in resident.places.items()) or '0 MiB'
	)
	if resident.room is not None:
		words.append(f'streamed, {resident.size / MIB:.0f} MiB in all')
	if resident.phase is not None:
		share = f' {resident.done / resident.total:.0%}' if resident.total else ''
		words.append(f'{resident.phase}{share}')
	words.append(f'{resident.leases} leases' if resident.leases != 1 else '1 lease')
	return '; '.join([*words, resident.id])


def files(settings: Settings) -> Iterator[str]:
	"""The model files by kind: what they are, how large, and what is wrong with them."""
	from contextlib import closing

	from engine.runner import Runner
	from server.routes.models import described as of_files

	with closing(Runner(settings, lambda event: None)) as runner:
		catalogue = runner.storage.catalogue
		for kind in sorted(catalogue.places):
			names = catalogue.names(kind)
			if names:
				yield f'{kind}:'
			for file in of_files(catalogue, ((kind, name) for name in names)):
				told = [file.name, f'{file.size / MIB:.1f} MiB', file.family or 'of no known family']
				yield f'  {"; ".join(told)}' + (f'; damaged: {file.damage}' if file.damage else '')
