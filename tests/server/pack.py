"""A small pack for the server's tests: nodes that show, wait, count, fail and die, without torch."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NamedTuple

from PIL import Image

from engine.declaration import Choice, Number, Text, Toggle
from engine.plugins import Kit
from engine.sockets import socket
from engine.spec import Context, node


@socket('PAPER')
class Paper:
	"""A colour to paint with."""

	def __init__(self, shade: int) -> None:
		self.shade = shade


class Mixed(NamedTuple):
	"""The outputs of `Mix`."""

	paper: Paper
	amount: int


@node(kind='Shade', category='test', title='A Shade')
def shade(
	value: Annotated[int, Number(default=3, min=0, max=255)],
	seed: Annotated[int, Number(default=0, min=0, max=2**64 - 1, seed=True), 'Makes a run unlike another'],
) -> Paper:
	"""A shade of grey."""
	return Paper(value)


@node(kind='Mix', category='test')
def mix(
	first: Paper,
	second: Paper,
	share: Annotated[float, Number(default=0.5, min=0.0, max=1.0, step=0.01, round=0.001)],
	mode: Annotated[str, Choice(options=('mean', 'first'), default='mean')],
	note: Annotated[str, Text(multiline=True, dynamic_prompts=True)],
	inverted: Annotated[bool, Toggle()] = False,
) -> Mixed:
	"""Mix two shades."""
	mixed = int(first.shade * (1 - share) + second.shade * share)
	return Mixed(Paper(255 - mixed if inverted else mixed), mixed)


@node(kind='Pick', category='test', sink=True)
def pick(
	context: Context,
	number: Annotated[str, Choice(options=tuple(str(number) for number in range(30)))],
	image: Annotated[str, Choice(files_from='input:image', upload=True)],
	model: Annotated[str, Choice(files_from='models:checkpoints')],
) -> None:
	"""Choices: many fixed ones, files, models."""


@node(kind='Save', category='test', sink=True, hidden=('prompt', 'extra_pnginfo'))
def save(context: Context, paper: Paper, prefix: Annotated[str, Text(default='test')] = 'test') -> None:
	"""Save a square of the shade."""
	context.save_image(Image.new('RGB', (8, 8), (paper.shade,) * 3), prefix)


@node(kind='Show', category='test', sink=True)
def show(context: Context, paper: Paper) -> None:
	"""A sink that shows nothing."""


@node(kind='Slow', category='test', sink=True)
def slow(context: Context, seconds: Annotated[float, Number(default=1.0, min=0.0, max=60.0)]) -> None:
	"""Wait, and look for a cancel meanwhile."""
	context.cancel.wait(seconds)
	context.check_cancelled()


@node(kind='Steps', category='test', sink=True)
def steps(
	context: Context,
	count: Annotated[int, Number(default=3, min=1, max=100_000)],
	seed: Annotated[int, Number(default=0)],
) -> None:
	"""Tell progress, with a preview at each step."""
	for done in range(1, count + 1):
		context.progress(done, count)
		if count < 100:
			context.preview(Image.new('RGB', (4, 4)))


@node(kind='Fail', category='test')
def fail(paper: Paper, text: Annotated[str, Text()]) -> Paper:
	"""Raise."""
	raise RuntimeError(text)


@node(kind='Die', category='test', sink=True)
def die(context: Context, code: Annotated[int, Number(default=7)]) -> None:
	"""End the worker process, as a crash would."""
	os._exit(code)


def register(kit: Kit) -> None:
	"""Add this file's nodes."""
	kit.collect(sys.modules[__name__], origin='tests')
