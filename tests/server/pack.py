"""A small pack for the server's tests: nodes that show, wait, count, fail and die, without torch."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

from PIL import Image

from engine.declaration import Choice, Input, NodeInfo, Number, Text, Toggle, Validator
from engine.flow import Expand, Skip, Subgraph
from engine.models import Load, ModelRef
from engine.plugins import Kit, PackReport
from engine.sockets import socket
from engine.spec import Context, NodeSpec, ValidationRequest, node, spec_of


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
def slow(
	context: Context, seconds: Annotated[float, Number(default=1.0, min=0.0, max=60.0)], after: Paper | None = None
) -> None:
	"""Wait, and look for a cancel meanwhile."""
	context.cancel.wait(seconds)
	context.check_cancelled()


@node(kind='Lift', category='test', sink=True)
def lift(
	context: Context,
	endless: Annotated[bool, Toggle()] = False,
	seed: Annotated[int, Number(default=0)] = 0,
) -> None:
	"""Lease a model that is no real one; an endless one is never done loading."""
	digest = context.catalogue.digest(context.catalogue.path('checkpoints', 'one.safetensors'))
	with context.models.use(ModelRef[memoryview](digest, 'weight', option='endless' * endless)) as weights:
		context.show(text=[f'{weights.nbytes} bytes'])


def load_weight(load: Load) -> memoryview:
	"""The loader of what `Lift` leases."""
	load.phase('loading_model', 7)
	while load.option:
		load.cancel.wait(0.02)
		load.advance(0)
	data = load.path.read_bytes()
	load.advance(len(data))
	return memoryview(data)


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


@node(kind='Send', category='test', sink=True)
def send(
	context: Context,
	count: Annotated[int, Number(default=3)],
	total: Annotated[int, Number(default=12345)],
	seed: Annotated[int, Number(default=0)],
) -> None:
	"""Send pictures as results, each after a tick of a bar that is as long as the client wants it."""
	for done in range(count):
		context.progress(done, total)
		context.send_image(Image.new('RGB', (600, 4), (done, 0, 0)))


@node(kind='Talk', category='test', sink=True)
def talk(
	context: Context,
	text: Annotated[str, Text()],
	everyone: Annotated[bool, Toggle()] = False,
	seed: Annotated[int, Number(default=0)] = 0,
) -> None:
	"""Say something in passing, and announce it too."""
	context.note(text)
	context.announce('talk', {'text': text, 'values': [1, None, 'ü']}, everyone=everyone)


@node(kind='Fail', category='test')
def fail(paper: Paper, text: Annotated[str, Text()]) -> Paper:
	"""Raise."""
	raise RuntimeError(text)


@node(kind='Twice', category='test')
def twice(context: Context, paper: Paper, fails: bool = False) -> Paper | Expand:
	"""Become a node that shows the shade, and one that raises, if that is wanted."""
	graph = Subgraph(context.node)
	first = graph.add('Look', paper=paper)
	last = graph.add('Fail', paper=first.output(0), text='inside') if fails else first
	return graph.expand(last.output(0))


@node(kind='Look', category='test')
def look(context: Context, paper: Paper) -> Paper:
	"""Show the shade as text, and hand it on."""
	context.progress(1, 2)
	context.note('looking')
	context.show(text=[f'shade {paper.shade}'])
	return paper


@node(kind='Gate', category='test')
def gate(paper: Paper, open: Annotated[bool, Toggle()] = False) -> Paper | Skip:
	"""Let a shade through, or skip what needs it with a message."""
	return paper if open else Skip('The gate is closed.')


def refuse_odd(asked: ValidationRequest) -> str | None:
	"""The validator of `Even`."""
	value = asked.constants['value']
	return None if isinstance(value, int) and value % 2 == 0 else f'{value} is odd.'


def even(context: Context, value: Annotated[int, Number(default=2)]) -> None:
	"""Take even numbers only, and say so itself."""


@node(kind='Die', category='test', sink=True)
def die(context: Context, code: Annotated[int, Number(default=7)]) -> None:
	"""End the worker process, as a crash would."""
	os._exit(code)


def take(choice: str) -> None:
	"""What `Listing` does: nothing."""


def listing(options: tuple[str, ...]) -> NodeSpec:
	"""A foreign sink with these choices."""
	item = Input(name='choice', type='COMBO', widget=Choice(options=options), options={'from': 'elsewhere'})
	return NodeSpec(
		NodeInfo(kind='Listing', title='Listing', category='test', inputs=(item,), sink=True, foreign=True), take
	)


def open_pack(path: Path, kit: Kit) -> PackReport:
	"""Stand in for the loader of custom nodes: every pack is broken."""
	return PackReport(name=path.stem, path=path, error='Traceback: it is broken')


def register(kit: Kit) -> None:
	"""Add this file's nodes; `Even` with a declaration that it judges its value itself.

	`Listing` has the style models as choices, which nobody but its own code knows.
	"""

	def refresh() -> tuple[NodeInfo, ...]:
		spec = listing(kit.catalogue.names('style_models'))
		kit.nodes.replace(spec, origin='elsewhere')
		return (spec.info,)

	refresh()
	kit.loaders.add('weight', load_weight)
	kit.refresh.append(refresh)
	kit.openers.append(open_pack)
	kit.collect(sys.modules[__name__], origin='tests')
	declared = spec_of(node(kind='Even', category='test', sink=True, validate=refuse_odd)(even))
	if declared is not None:
		info = declared.info.model_copy(update={'validator': Validator(inputs=('value',))})
		kit.nodes.add(replace(declared, info=info), origin='tests')
