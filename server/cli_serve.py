"""`lumengraph serve`: its flags, ours and ComfyUI's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from engine.previews import PREVIEW_METHODS
from server.cli_flags import natural, settings_from
from server.serving import Limits, LogFormat, LogLevel, Serving

EVERYWHERE = '0.0.0.0,::'  # asks for a token, unless --insecure


def add_serve_flags(parser: argparse.ArgumentParser) -> None:
	"""The grammar of `serve`, but for what other commands have too."""
	_reach_flags(parser.add_argument_group('who can reach it'))
	_watch_flags(parser.add_argument_group('what it tells'))
	parser.add_argument(
		'--preview-method',
		choices=PREVIEW_METHODS,
		default='none',
		help='how jobs that do not say show what they are making: not at all, by a tiny VAE if there is one and else by '
		'colours, by colours, or by a tiny VAE (default: %(default)s)',
	)
	parser.add_argument(
		'--limit',
		type=limit,
		action='append',
		default=[],
		metavar='NAME=NUMBER',
		help=f'how much one request may hold: {", ".join(Limits.model_fields)}; may be repeated',
	)
	parser.add_argument(
		'--grace',
		type=seconds,
		default=3.0,
		metavar='SECONDS',
		help='how long the running job may go on when the server is asked to end (default: %(default)g)',
	)
	parser.add_argument('--auto-launch', action='store_true', help='open the editor in a browser')
	parser.add_argument('--disable-auto-launch', action='store_true', help='do not, as is the default')
	parser.add_argument('--disable-api-nodes', action='store_true', help='taken for ComfyUI: there are none')
	parser.add_argument(
		'--quick-test-for-ci', action='store_true', help='load all packs, start, and end at once; 0 if that went well'
	)
	parser.set_defaults(command=_serve)


def _reach_flags(group: argparse._ArgumentGroup) -> None:
	group.add_argument(
		'--host',
		'--listen',
		nargs='?',
		const=EVERYWHERE,
		default='127.0.0.1',
		metavar='ADDR',
		help='address to listen at, or several with commas (default: %(default)s; all, if none is named)',
	)
	group.add_argument('--port', type=port_number, default=8188, help='port to listen at (default: %(default)s)')
	group.add_argument('--insecure', action='store_true', help='ask nobody for a token, wherever it listens')
	group.add_argument(
		'--model-hosts',
		nargs='+',
		default=[],
		metavar='HOST',
		help='let the editor fetch model files from these hosts and their subdomains; without it, from none',
	)
	group.add_argument(
		'--allow-host',
		action='append',
		default=[],
		metavar='NAME',
		help='a name by which it is called besides, such as that of a proxy; may be repeated',
	)
	group.add_argument(
		'--enable-cors-header',
		nargs='?',
		const='*',
		default='',
		metavar='ORIGIN',
		help='let the pages of another site talk to it (of any, if none is named)',
	)
	group.add_argument('--tls-certfile', type=Path, metavar='FILE', help='speak HTTPS with this certificate (PEM)')
	group.add_argument('--tls-keyfile', type=Path, metavar='FILE', help='the key of the certificate (PEM)')


def _watch_flags(group: argparse._ArgumentGroup) -> None:
	group.add_argument(
		'--verbose',
		nargs='?',
		const='DEBUG',
		default='INFO',
		choices=get_args(LogLevel),
		help='from which level on lines are logged (default: %(default)s; DEBUG, if none is named)',
	)
	group.add_argument(
		'--log-format', choices=get_args(LogFormat), default='human', help='lines for people, or JSON for programs'
	)


def port_number(text: str) -> int:
	"""A TCP port, 0 for any free one."""
	if not text.isdecimal() or int(text) > 65535:
		raise argparse.ArgumentTypeError(f'{text!r} is no port: 0 to 65535')
	return int(text)


def seconds(text: str) -> float:
	"""Seconds, from 0 to a day."""
	try:
		found = float(text)
	except ValueError:
		found = -1.0
	if not 0 <= found <= 86_400:
		raise argparse.ArgumentTypeError(f'{text!r} is no number of seconds')
	return found


def limit(text: str) -> tuple[str, int]:
	"""A limit of `Limits` and its number."""
	name, _, number = text.partition('=')
	if name not in Limits.model_fields:
		raise argparse.ArgumentTypeError(f'{name!r} is no limit: {", ".join(Limits.model_fields)}')
	return name, natural(number)


def serving_from(options: argparse.Namespace) -> Serving:
	"""What the flags say."""
	return Serving(
		host=options.host,
		port=options.port,
		insecure=options.insecure,
		allowed_hosts=tuple(name.lower() for name in options.allow_host),
		model_hosts=tuple(options.model_hosts),
		cors_origin=options.enable_cors_header,
		certificate=options.tls_certfile,
		certificate_key=options.tls_keyfile,
		previews=options.preview_method,
		limits=Limits.model_validate(dict(options.limit)),
		log_level=options.verbose,
		log_format=options.log_format,
		grace=options.grace,
		open_browser=options.auto_launch and not options.disable_auto_launch,
		max_body=options.max_upload_size,
		editor=options.front_end_root,
	)


def _serve(options: argparse.Namespace) -> int:
	settings, serving = settings_from(options), serving_from(options)
	if options.quick_test_for_ci:
		from server.quicktest import quick_test

		return quick_test(settings, serving)
	from server.serve import serve

	return serve(settings, serving)
