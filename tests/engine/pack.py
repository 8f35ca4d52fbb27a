"""A pack of small nodes that know no torch: for tests in this process and for real workers."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NamedTuple

from PIL import Image

from engine.declaration import Choice, Number, Text
from engine.plugins import Kit
from engine.spec import Context, node

calls: list[str] = []
"""The ids of the nodes whose functions were called in this process, in order."""


class Halves(NamedTuple):
	"""A number taken apart."""

	quotient: int
	remainder: int


@node(category='test')
def number(context: Context, value: Annotated[int, Number(min=-1000, max=10_000)]) -> int:
	"""Give a number."""
	calls.append(context.node)
	return value


@node(category='test')
def add(context: Context, a: int, b: int = 0) -> int:
	"""Add two numbers."""
	calls.append(context.node)
	return a + b


@node(category='test')
def divide(context: Context, value: int, by: int) -> Halves:
	"""Divide with remainder."""
	calls.append(context.node)
	return Halves(value // by, value % by)


@node(category='test')
def measure(context: Context, text: Annotated[str, Text(multiline=True)] = '') -> int:
	"""Count letters."""
	calls.append(context.node)
	return len(text)


@node(category='test')
def pick(context: Context, name: Annotated[str, Choice(options=('one', 'two'))]) -> int:
	"""Give the number that a word names."""
	calls.append(context.node)
	return 1 if name == 'one' else 2


@node(category='test')
def fail(context: Context, value: int = 0) -> int:
	"""Raise."""
	calls.append(context.node)
	raise RuntimeError(f'cannot use {value}')


@node(category='test')
def wait(context: Context, value: int = 0) -> int:
	"""Tell that it has begun, then wait for the job's cancel."""
	calls.append(context.node)
	context.progress(1, 2)
	context.cancel.wait(60)
	context.check_cancelled()
	return value


@node(category='test')
def leave(context: Context, code: int) -> int:
	"""End the whole process, as a crash in native code does."""
	print('leaving', file=sys.stderr)
	os._exit(code)


@node(category='test', sink=True)
def save(context: Context, value: int, prefix: Annotated[str, Text(default='picture')] = 'picture') -> int:
	"""Save a picture of 4×4 pixels whose red is the number."""
	calls.append(context.node)
	context.save_image(Image.new('RGB', (4, 4), (value % 256, 0, 0)), prefix)
	return value


@node(category='test', sink=True)
def see(context: Context, value: int) -> None:
	"""Take a number and show nothing."""
	calls.append(context.node)


def register(kit: Kit) -> None:
	"""Add the nodes above."""
	kit.collect(sys.modules[__name__], origin='pack')
