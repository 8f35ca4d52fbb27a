"""What becomes of a widget's value after a run: a word behind the value in the editor form, `seeds` in a native layout."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from engine.declaration import NodeInfo
from engine.formats.editor.sheet import EditorNode, mapping, read_node
from engine.formats.editor.widgets import CONTROL, CONTROLS, control_places, has_control

FIXED = 'fixed'
RANDOM, RANDOM_THERE = 'randomise', 'randomize'
"""A new value for each run, as a native file and as the editor spells it."""


def policies(node: EditorNode, info: NodeInfo | None) -> dict[str, str]:
	"""What a node says becomes of its values after a run, by input. Values that stay are left out."""
	if info is None:
		return {}
	if isinstance(node.values, list):
		said = {name: policy_of_word(node.values[place]) for name, place in control_places(node, info).items()}
	else:
		# By name there is one word for the whole node.
		word = {**mapping(node.values), **node.named}.get(CONTROL)
		said = {item.name: policy_of_word(word) for item in info.inputs if has_control(item)}
	return {name: policy for name, policy in said.items() if policy != FIXED}


def policy_of_word(word: JsonValue) -> str:
	"""The editor's word in ours. Old files have true for random values."""
	if word is True or word == RANDOM_THERE:
		return RANDOM
	return word if isinstance(word, str) and word in CONTROLS else FIXED


def control_word(policy: str) -> str:
	"""What the editor calls it; what it does not know leaves the value as it is."""
	if policy in (RANDOM, RANDOM_THERE):
		return RANDOM_THERE
	return policy if policy in CONTROLS else FIXED


def with_words(entry: JsonValue, info: NodeInfo, seeds: Mapping[str, str]) -> JsonValue:
	"""A node of an editor's document with the words that a layout wants. Those that mean the same already are kept."""
	node = read_node(entry)
	if node is None or not isinstance(entry, dict):
		return entry
	made = dict(entry)
	for name, place in control_places(node, info).items():
		values = made['widgets_values']
		if name in seeds and isinstance(values, list):
			wanted = control_word(seeds[name])
			if policy_of_word(values[place]) != policy_of_word(wanted):
				made['widgets_values'] = [*values[:place], wanted, *values[place + 1 :]]
				if CONTROL in node.named:
					made['widgets_values_named'] = {**node.named, CONTROL: wanted}
	return made
