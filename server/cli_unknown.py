"""Flags that there are not: refused, with the one that was probably meant."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn


def exact(parser: argparse.ArgumentParser) -> None:
	"""Have a command and those below it take flags only as they are written, and be found in `options.grammar`."""
	parser.allow_abbrev = False
	parser.set_defaults(grammar=parser)
	for action in parser._actions:
		if isinstance(action, argparse._SubParsersAction):
			for below in action.choices.values():
				exact(below)


def refuse_unknown(grammar: argparse.ArgumentParser, words: Sequence[str], commands: Sequence[str] = ()) -> NoReturn:
	"""End with code 2 and a sentence about the first word that the command does not take.

	If one of the words is among the `commands`, that one was meant, and came too late.
	"""
	late = next((word for word in words if word in commands), None)
	if late is not None:
		grammar.error(f'The command stands before its flags: lumengraph {late} … --flags.')
	word = next((word for word in words if word.startswith('-')), words[0])
	flag = word.partition('=')[0]
	known = [spelling for action in grammar._actions for spelling in action.option_strings]
	near = difflib.get_close_matches(flag, known, n=1)
	hint = f' Did you mean {near[0]}?' if near else ''
	grammar.error(f'{flag} is not known to {grammar.prog}.{hint}')
