"""Widget values: the editor's list, in which places count, from and to inputs by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.declaration import Choice, Growing, Input, NodeInfo, Number, Text, Toggle, Variant, Varying
from engine.formats.editor.sheet import EditorNode

CONTROLS = ('fixed', 'increment', 'decrement', 'randomize', 'increment-wrap')
SEEDS = ('seed', 'noise_seed')
PLAIN = frozenset({'INT', 'FLOAT', 'BOOLEAN', 'STRING', 'COMBO'})
"""Types that have a widget unless the declaration asks for a link."""
DRAWN = frozenset(
	{
		*('COLOR', 'COLORS', 'MARKDOWN', 'TEXTAREA', 'CURVE', 'RANGE', 'BOUNDING_BOX', 'BOUNDING_BOXES'),
		*('IMAGECOMPARE', 'CHART', 'GALLERIA', 'PAINTER', 'VIDEO_EDIT', 'TREESELECT', 'MULTISELECT'),
		*('WEBCAM', 'AUDIO_RECORD', 'AUDIO_UI', 'AUDIOUPLOAD', 'IMAGEUPLOAD'),
		*('LOAD_3D', 'LOAD_3D_ANIMATION', 'PREVIEW_3D', 'PREVIEW_3D_ANIMATION'),
	}
)
"""Types for which the editor draws a widget that our declarations do not describe."""
CONTROL = 'control_after_generate'
BESIDE = (CONTROL, 'control_filter_list', 'upload')
"""Names of widgets whose values never reach a node."""


def has_widget(item: Input) -> bool:
	"""Whether the editor keeps a value for an input."""
	if item.options.get('forceInput'):
		return False
	drawn = item.options.get('widgetType')
	return item.widget is not None or item.type in DRAWN or (isinstance(drawn, str) and drawn in PLAIN | DRAWN)


def has_control(item: Input) -> bool:
	"""Whether a value that says what becomes of the widget after a run follows its own."""
	told = item.options.get('control_after_generate')
	if isinstance(item.widget, Number):
		return item.widget.seed or bool(told) or (told is None and item.type == 'INT' and item.name in SEEDS)
	return isinstance(item.widget, Choice) and bool(told)


def default_of(item: Input) -> JsonValue:
	"""What the editor shows when nothing was chosen; None if nothing is known."""
	match item.widget:
		case Number() as number:
			if number.default is not None:
				return number.default
			return 0 if item.type == 'INT' else 0.0
		case Text() | Toggle() as plain:
			return plain.default
		case Choice() as choice:
			if choice.default is not None:
				return choice.default
			return choice.options[0] if choice.options else None
		case None:
			return item.options.get('default')


def chosen(item: Varying, value: JsonValue) -> Variant | None:
	"""The variant of a key; the first if nothing was chosen."""
	for variant in item.variants:
		if variant.key == value:
			return variant
	return item.variants[0] if item.variants and value is None else None


@dataclass(frozen=True, slots=True)
class Widgets:
	"""The values of a node by input name.

	`left`: how many values the file has that no widget took. `filled`: the inputs for which it has none, though it has
	values for others; they have their defaults. `controls`: where in the list the words stand that say what becomes of
	values after a run.
	"""

	values: dict[str, JsonValue]
	left: int = 0
	filled: tuple[str, ...] = ()
	controls: Mapping[str, int] = field(default_factory=dict)


def named_values(node: EditorNode, info: NodeInfo | None) -> Widgets:
	"""The values of a node's widgets. Names win over places; what is missing has its default."""
	if info is None:
		return Widgets(_of_unknown(node))
	by_name = {**(node.values if isinstance(node.values, dict) else {}), **node.named}
	if by_name:
		return Widgets(_by_name(by_name, info))
	found, forced = _by_place(node, info)
	if forced:
		return Widgets(found.values)
	return Widgets(found.values, max(0, found.left - _extras(info)) if found.values else 0, found.filled)


def control_places(node: EditorNode, info: NodeInfo) -> Mapping[str, int]:
	"""Input → where in the list of values the word stands that says what becomes of its value after a run."""
	return _by_place(node, info)[0].controls


def _by_place(node: EditorNode, info: NodeInfo) -> tuple[Widgets, bool]:
	"""The values by their places, and whether inputs that only take links have places too."""
	values = node.values if isinstance(node.values, list) else []
	inputs = in_order(info)
	found = _Positions(values, node).read(inputs)
	forced = sum(_is_forced(item) for item in inputs)
	if forced and found.left in (forced, forced + _extras(info)):
		# Files of front ends before 1.16 may have values for inputs that only take links.
		return _Positions(values, node, forced=True).read(inputs), True
	return found, False


def in_order(info: NodeInfo) -> tuple[Input, ...]:
	"""The inputs in the editor's order: what is required first."""
	return info.required_first


def _of_unknown(node: EditorNode) -> dict[str, JsonValue]:
	"""Values of a kind that is not declared: by name if the file has names, or if each value has its slot."""
	by_name = {**(node.values if isinstance(node.values, dict) else {}), **node.named}
	if by_name:
		return {name: value for name, value in by_name.items() if name not in BESIDE}
	slots = [slot.widget for slot in node.inputs if slot.widget]
	values = node.values if isinstance(node.values, list) else []
	return dict(zip(slots, values, strict=True)) if len(slots) == len(values) else {}


def _is_forced(item: Input) -> bool:
	return item.type in PLAIN and not has_widget(item)


def _extras(info: NodeInfo) -> int:
	"""How many buttons to upload have a value behind all others."""
	return sum(isinstance(item.widget, Choice) and item.widget.upload for item in info.inputs)


def _by_name(given: Mapping[str, JsonValue], info: NodeInfo) -> dict[str, JsonValue]:
	found: dict[str, JsonValue] = {}
	for name, item in live_widgets(in_order(info), given):
		value = given.get(name)
		if value is None and (name not in given or isinstance(item.widget, Choice)):
			value = default_of(item)
		if value is not None or name in given:
			found[name] = value
	for name, value in given.items():
		known = name.partition('.')[0] in info.inputs_by_name or name in info.unlisted or info.open_inputs == 'all'
		if known and name not in BESIDE:
			found.setdefault(name, value)
	return found


def live_widgets(
	inputs: tuple[Input, ...], given: Mapping[str, JsonValue], prefix: str = ''
) -> Iterator[tuple[str, Input]]:
	"""The inputs with widgets in the editor's order, under their dotted names, as far as the values choose them."""
	for item in inputs:
		name = prefix + item.name
		if isinstance(item.dynamic, Growing):
			if has_widget(item.dynamic.item):
				yield from (
					(f'{name}.{part}', item.dynamic.item) for part in item.dynamic.names if f'{name}.{part}' in given
				)
			continue
		if isinstance(item.dynamic, Varying):
			yield name, item
			variant = chosen(item.dynamic, given.get(name))
			if variant is not None:
				yield from live_widgets(variant.inputs, given, f'{name}.')
		elif has_widget(item):
			yield name, item


class _Positions:
	"""Takes values from a list, one widget after the other. With `forced`, inputs for links had a place in it too."""

	def __init__(self, values: list[JsonValue], node: EditorNode, *, forced: bool = False) -> None:
		self._values = values
		self._at = 0
		self._node = node
		self._forced = forced
		self._found: dict[str, JsonValue] = {}
		self._filled: list[str] = []
		self._controls: dict[str, int] = {}

	def read(self, inputs: tuple[Input, ...]) -> Widgets:
		self._take_all(inputs, '')
		left = sum(value is not None for value in self._values[self._at :])
		return Widgets(self._found, left, tuple(self._filled) if self._values else (), self._controls)

	def _take_all(self, inputs: tuple[Input, ...], prefix: str) -> None:
		for index, item in enumerate(inputs):
			name = prefix + item.name
			if isinstance(item.dynamic, Growing):
				if has_widget(item.dynamic.item):
					for slot in self._node.inputs:
						if slot.widget is not None and slot.name.startswith(f'{name}.'):
							self._take(slot.name, item.dynamic.item)
			elif isinstance(item.dynamic, Varying):
				self._take(name, item)
				variant = chosen(item.dynamic, self._found.get(name))
				if variant is not None:
					self._found[name] = variant.key
					self._take_all(variant.inputs, f'{name}.')
			elif has_widget(item):
				self._take(name, item)
				self._skip_beside(name, item, inputs[index + 1 :])
			elif self._forced and _is_forced(item):
				self._at += 1

	def _take(self, name: str, item: Input) -> None:
		there = self._at < len(self._values)
		value = self._values[self._at] if there else None
		self._at += 1
		if value is None and (not there or isinstance(item.widget, Choice)):
			value = default_of(item)
		if value is not None:
			self._found[name] = value
			if not there:
				self._filled.append(name)

	def _skip_beside(self, name: str, item: Input, later: tuple[Input, ...]) -> None:
		"""Pass over what says what becomes of the value after a run."""
		if self._at >= len(self._values):
			return
		value = self._values[self._at]
		word = isinstance(value, str) and value in CONTROLS
		if has_control(item):
			if not (word or value is None or isinstance(value, bool)):
				return
			self._controls[name] = self._at
			self._at += 1
			if isinstance(item.widget, Choice) and len(self._values) - self._at > sum(map(has_widget, later)):
				self._at += 1
		elif word and isinstance(item.widget, Number) and item.type == 'INT' and not self._wants_word(later):
			self._at += 1

	def _wants_word(self, later: tuple[Input, ...]) -> bool:
		"""Whether the next widget may itself have such a word as its value."""
		following = next((item for item in later if has_widget(item)), None)
		if following is None:
			return False
		if isinstance(following.widget, Choice) and not following.widget.open and following.widget.options:
			return any(option in CONTROLS for option in following.widget.options)
		return not isinstance(following.widget, Number | Toggle)
