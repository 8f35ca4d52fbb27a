"""A node as data: all that server, editor, checker and other processes know of it. JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.sockets import joins

Lane = Literal['device', 'cpu', 'disk', 'network']
Hidden = Literal['prompt', 'extra_pnginfo', 'unique_id']


class Model(BaseModel):
	"""Base of the frozen data classes that cross process borders."""

	model_config = ConfigDict(frozen=True, extra='forbid')


class Number(Model):
	"""A number typed or dragged; `min` and `max` are inclusive."""

	type: Literal['number'] = 'number'
	default: int | float | None = None
	min: int | float | None = None
	max: int | float | None = None
	step: int | float | None = None
	round: float | None = None
	seed: bool = False


class Text(Model):
	"""A line of text, or several."""

	type: Literal['text'] = 'text'
	default: str = ''
	multiline: bool = False
	dynamic_prompts: bool = False


class Toggle(Model):
	"""On or off."""

	type: Literal['toggle'] = 'toggle'
	default: bool = False


class Choice(Model):
	"""One of several values: fixed ones, or the names of files that lie in a folder when asked.

	`files_from` is `models:<folder>` or `input:<image|video|audio|latent>`; `options` is then filled when described.
	"""

	type: Literal['choice'] = 'choice'
	options: tuple[str, ...] = ()
	default: str | None = None
	files_from: str = ''
	upload: bool = False


Widget = Annotated[Number | Text | Toggle | Choice, Field(discriminator='type')]


class Input(Model):
	"""One input of a node. With a `widget` it may be given as a constant; without one only by a link."""

	name: str
	type: str
	widget: Widget | None = None
	required: bool = True
	tooltip: str = ''


class Output(Model):
	"""One output of a node."""

	name: str
	type: str
	is_list: bool = False
	tooltip: str = ''


class NodeInfo(Model):
	"""The declaration of a node kind.

	`version` is raised by hand when equal inputs would give other outputs. A `sink` has an effect that is worth running
	for (it saves, it shows). `hidden` names what the node sees beside its inputs; of it only `unique_id` enters the
	cache key.
	"""

	kind: str
	title: str
	category: str
	description: str = ''
	version: str = '1'
	inputs: tuple[Input, ...] = ()
	outputs: tuple[Output, ...] = ()
	lane: Lane = 'device'
	sink: bool = False
	hidden: tuple[Hidden, ...] = ()
	origin: str = 'nodes'

	@cached_property
	def inputs_by_name(self) -> Mapping[str, Input]:
		"""The inputs, to look up."""
		return {item.name: item for item in self.inputs}

	def output_index(self, name: str) -> int | None:
		"""Which output bears this name, if exactly one does."""
		found = [index for index, output in enumerate(self.outputs) if output.name == name]
		return found[0] if len(found) == 1 else None


def accepts(wanted: Input, output: Output) -> bool:
	"""Whether an output may feed an input. A choice may be fed by text."""
	if joins(output.type, wanted.type):
		return True
	return wanted.type == 'COMBO' and output.type == 'STRING'
