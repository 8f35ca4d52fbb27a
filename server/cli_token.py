"""`lumengraph token`: who may talk to the server."""

from __future__ import annotations

import argparse
from datetime import datetime

from server.cli_flags import settings_from


def add_token_commands(parser: argparse.ArgumentParser, folders: argparse.ArgumentParser) -> None:
	"""The grammar of `token …`."""
	commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
	new = commands.add_parser('new', parents=[folders], help='make a token and show it, this once')
	new.add_argument('name', metavar='NAME', help='whose it is, or what it is for')
	new.set_defaults(command=_new)
	listing = commands.add_parser('list', parents=[folders], help='the names of the tokens, and when they were made')
	listing.set_defaults(command=_list)
	revoke = commands.add_parser('revoke', parents=[folders], help='let a token be good for nothing, at once')
	revoke.add_argument('name', metavar='NAME')
	revoke.set_defaults(command=_revoke)


def _new(options: argparse.Namespace) -> int:
	from server.tokens import Tokens

	print(Tokens(settings_from(options).data_folder).new(options.name))
	return 0


def _list(options: argparse.Namespace) -> int:
	from server.tokens import Tokens

	for token in Tokens(settings_from(options).data_folder).all():
		print(f'{token.name}  since {datetime.fromtimestamp(token.created):%Y-%m-%d %H:%M}')
	return 0


def _revoke(options: argparse.Namespace) -> int:
	from server.tokens import Tokens

	Tokens(settings_from(options).data_folder).revoke(options.name)
	return 0
