"""One node in the editor form: its slots, and its widgets' values in their places."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from engine.declaration import Choice, Input, NodeInfo
from engine.dynamic import live_inputs
from engine.formats.document import Mode, NodePlace
from engine.formats.editor.controls import FIXED, control_word
from engine.formats.editor.kinds import BYPASSED, MUTED
from engine.formats.editor.widgets import has_control, has_widget, in_order, live_widgets
from engine.graph import Call, Constant

WIDTH, TITLE, ROW = 315, 40, 26
OPTIONAL = 7
"""The shape of a slot that need not be linked."""
MODES: Mapping[Mode, int] = {'run': 0, 'mute': MUTED, 'bypass': BYPASSED}


class WrittenNode:
	"""A node that is being written.

	`otherwise` are values of widgets that are linked, `unnamed` those of a kind that nobody knows here. An instance of a subgraph has no `info` of its own: it is given one.
	"""

	def __init__(
		self,
		id: int | str,
		call: Call,
		info: NodeInfo | None,
		otherwise: Mapping[str, JsonValue],
		unnamed: list[JsonValue],
	) -> None:
		self.id = id
		self._call = call
		self._info = info
		self._unnamed = unnamed
		self.constants: dict[str, JsonValue] = {
			**otherwise,
			**{name: argument.value for name, argument in call.inputs.items() if isinstance(argument, Constant)},
		}
		self.inputs: list[dict[str, JsonValue]] = []
		self._slots: dict[str, int] = {}
		for item in self._live():
			if not has_widget(item) and item.dynamic is None:
				self._add(item.name, item)
		self._outputs: list[dict[str, JsonValue]] = (
			[]
			if info is None
			else [
				{'name': output.name, 'type': output.type, 'links': None, 'slot_index': index}
				for index, output in enumerate(info.outputs)
			]
		)
		self._wires: dict[int, list[JsonValue]] = {}

	def _live(self) -> tuple[Input, ...]:
		if self._info is None:
			return ()
		if not self._info.is_dynamic:
			return in_order(self._info)
		return live_inputs(self._info.model_copy(update={'inputs': in_order(self._info)}), self._call.inputs)

	def _add(self, name: str, item: Input | None) -> int:
		slot: dict[str, JsonValue] = {'name': name, 'type': item.type if item is not None else '*', 'link': None}
		if item is not None and has_widget(item):
			slot['widget'] = {'name': name}
		elif item is not None and not item.required:
			slot['shape'] = OPTIONAL
		self._slots[name] = len(self.inputs)
		self.inputs.append(slot)
		return self._slots[name]

	def slot(self, name: str) -> int:
		"""The place of an input's slot; one is made for a widget, or for what is not declared."""
		if name in self._slots:
			return self._slots[name]
		return self._add(name, next((item for item in self._live() if item.name == name), None))

	def output(self, index: int, link: int) -> str:
		"""Note that a link leaves an output; gives its type."""
		while len(self._outputs) <= index < 1000:
			self._outputs.append({'name': '', 'type': '*', 'links': None, 'slot_index': len(self._outputs)})
		if not 0 <= index < len(self._outputs):
			return '*'
		wires = self._wires.setdefault(index, [])
		wires.append(link)
		self._outputs[index]['links'] = wires
		return str(self._outputs[index].get('type', '*'))

	@property
	def height(self) -> int:
		"""About how high it is drawn, in pixels."""
		values = len(self._values({})) if self._info is not None else len(self.constants)
		return TITLE + ROW * (max(len(self.inputs), len(self._outputs)) + values)

	def _values(self, seeds: Mapping[str, str]) -> list[JsonValue]:
		"""The widgets' values in their order, with what the editor keeps beside them; `seeds` are those of the layout."""
		if self._info is None:
			return self._unnamed or list(self.constants.values())
		found: list[JsonValue] = []
		buttons = 0
		for name, item in live_widgets(in_order(self._info), self.constants):
			# A linked widget keeps its place.
			found.append(self.constants.get(name))
			if has_control(item):
				found.append(control_word(seeds.get(name, FIXED)))
			buttons += isinstance(item.widget, Choice) and item.widget.upload
		return found + ['image'] * buttons

	def entry(self, order: int, place: NodePlace, mode: Mode, whence: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
		"""The node as the file has it; `whence` is what is known of its pack."""
		kind = self._info.kind if self._info is not None else self._call.kind
		looks = {'color': place.color, 'bgcolor': place.background, 'title': self._call.title}
		inputs: list[JsonValue] = [*self.inputs]
		outputs: list[JsonValue] = [*self._outputs]
		return {
			'id': self.id,
			'type': kind,
			'pos': [place.x, place.y],
			'size': [place.width or WIDTH, place.height or self.height],
			'flags': {'collapsed': True} if place.collapsed else {},
			'order': order,
			'mode': MODES[mode],
			'properties': {'Node name for S&R': kind, **whence},
			**{name: value for name, value in looks.items() if value},
			'inputs': inputs,
			'outputs': outputs,
			'widgets_values': self._values(place.seeds),
			'widgets_values_named': self.constants,
		}
