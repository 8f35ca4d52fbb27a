"""What the command line sets of a workflow: named inputs, and the seeds of one run after the other."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from engine.declaration import NodeInfo, Number
from engine.dynamic import VARYING, input_called
from engine.errors import BadDocument
from engine.formats.editor.sheet import identity, mapping, objects
from engine.formats.workflow import Workflow, parse_json
from engine.graph import Constant
from server.cli_run import SeedPolicy

SPELLINGS: Mapping[str, SeedPolicy] = {
	'fixed': 'fixed',
	'increment': 'increment',
	'increment-wrap': 'increment',
	'decrement': 'decrement',
	'randomise': 'random',
	'randomize': 'random',
}
"""What becomes of a seed after a run, as workflow files say it."""
EXACT = 2.0**53
"""Up to here every whole number is a float."""
WHOLE = re.compile(r'[-+]?[0-9]{1,40}', re.ASCII)
DECIMAL = re.compile(r'[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?', re.ASCII)
MOST = 2**53 - 1
"""The largest seed that is drawn: every program that reads JSON can hold it."""


@dataclass(frozen=True, slots=True)
class Seed:
	"""An input that is a seed: its place as NODE.INPUT, its value, its bounds, and what becomes of it after a run."""

	place: str
	value: int
	least: int
	most: int
	policy: SeedPolicy

	def after(self, policy: SeedPolicy, source: random.Random) -> int:
		"""The value for the next run."""
		match policy:
			case 'increment':
				return self.value + 1 if self.value < self.most else self.least
			case 'decrement':
				return self.value - 1 if self.value > self.least else self.most
			case 'random':
				return source.randint(self.least, min(self.most, MOST))
			case 'fixed':
				return self.value


def changes_of(
	workflow: Workflow, nodes: Mapping[str, NodeInfo], changes: Sequence[str], seed: str | None
) -> dict[str, JsonValue]:
	"""What `--set` and `--seed` say, by named input or NODE.INPUT.

	Raises `BadDocument` or `WrongInputs` for what fits nowhere.
	"""
	texts: dict[str, str] = {}
	for change in changes:
		name, equals, text = change.partition('=')
		if not equals:
			raise BadDocument(f'--set wants NAME=VALUE, got {change!r}.')
		texts[name] = text
	found: dict[str, JsonValue] = {}
	# What is chosen decides which other inputs there are, and of what types.
	changed = workflow
	for name in workflow.in_order(texts):
		found[name] = as_value(changed, nodes, name, texts[name])
		changed = changed.with_value(name, found[name])
	if seed is None:
		return found
	if _has_seed_input(workflow):
		return {**found, 'seed': number_of(seed, 'INT')}
	places = [f'{node}.{name}' for node, name, _ in seed_inputs(workflow, nodes)]
	if not places:
		raise BadDocument('--seed: no node of this workflow has a seed.')
	return {**found, **dict.fromkeys(places, number_of(seed, 'INT'))}


def with_values(workflow: Workflow, values: Mapping[str, JsonValue]) -> Workflow:
	"""The workflow with these values. Raises `BadDocument` or `WrongInputs` for one that fits nowhere."""
	return workflow.with_values(values)


def as_value(workflow: Workflow, nodes: Mapping[str, NodeInfo], name: str, text: str) -> JsonValue:
	"""What is typed after NAME=, seen as the type of the input it is for."""
	node, given = workflow.place(name)
	call = workflow.graph.calls[node]
	info = nodes.get(call.kind)
	declared = input_called(info, call.inputs, given) if info is not None else None
	# What chooses other inputs is a key, as any choice.
	type = 'STRING' if declared is None else 'COMBO' if declared.type == VARYING else declared.type
	match type:
		case 'BOOLEAN' if text.lower() in ('true', 'false'):
			return text.lower() == 'true'
		case 'INT' | 'FLOAT':
			return number_of(text, type)
		case 'STRING' | 'COMBO':
			return text
		case '*':
			try:
				return parse_json(text, where=f'--set {name}')
			except BadDocument:
				return text
		case _:
			return parse_json(text, where=f'--set {name}')


def number_of(text: str, type: str) -> JsonValue:
	"""The number that a text is; what is none is left for the checker, which says so."""
	if WHOLE.fullmatch(text):
		return int(text)
	number = float(text) if DECIMAL.fullmatch(text) else math.nan
	if type == 'INT':
		return int(number) if number.is_integer() and abs(number) <= EXACT else text
	return number if math.isfinite(number) else text


def _has_seed_input(workflow: Workflow) -> bool:
	"""Whether a named input is called `seed`, and its node is not switched off."""
	named = workflow.inputs.get('seed')
	return named is not None and not workflow.is_idle(named)


def seed_inputs(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> Iterator[tuple[str, str, Number]]:
	"""The inputs that are seeds and constants: node, input, bounds."""
	for node, call in workflow.graph.calls.items():
		for item in nodes[call.kind].inputs if call.kind in nodes else ():
			if (
				isinstance(item.widget, Number)
				and item.widget.seed
				and isinstance(call.inputs.get(item.name), Constant)
			):
				yield node, item.name, item.widget


def seeds_of(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> list[Seed]:
	"""The seeds of a workflow. Those whose value is no whole number are left out: the checker says why."""
	found = []
	for node, name, number in seed_inputs(workflow, nodes):
		given = workflow.graph.calls[workflow.place(f'{node}.{name}')[0]].inputs[name]
		value = given.value if isinstance(given, Constant) else None
		try:
			value = int(value) if isinstance(value, int | str) else None
		except ValueError:
			continue
		if value is not None:
			least = int(number.min) if number.min is not None else 0
			most = int(number.max) if number.max is not None else MOST
			found.append(Seed(f'{node}.{name}', value, least, most, policy_of(workflow, node, name)))
	return found


def policy_of(workflow: Workflow, node: str, name: str) -> SeedPolicy:
	"""What the file says becomes of a seed after a run; `fixed` if it does not say."""
	if workflow.form == 'native':
		places = mapping(mapping(workflow.source.get('layout')).get('nodes'))
		said = mapping(mapping(places.get(node)).get('seeds')).get(name)
		return SPELLINGS.get(said, 'fixed') if isinstance(said, str) else 'fixed'
	for entry in objects(workflow.source.get('nodes')) if workflow.form == 'editor' else ():
		values = entry.get('widgets_values')
		if identity(entry.get('id')) == node and isinstance(values, list):
			# The word stands after the seed; no other widget has such values.
			told = [SPELLINGS[value] for value in values if isinstance(value, str) and value in SPELLINGS]
			return told[0] if told else 'fixed'
	return 'fixed'


def seeds_after(
	workflow: Workflow,
	nodes: Mapping[str, NodeInfo],
	*,
	policy: SeedPolicy | None,
	source: random.Random,
) -> dict[str, JsonValue]:
	"""The seeds for the run after this one, by place.

	Each moves as the file says, or all as `policy` does. Where none would move, they count up, the named input `seed` alone
	if there is one: nobody wants the same picture twice. Raises `BadDocument` if there is no seed.
	"""
	seeds = seeds_of(workflow, nodes)
	if not seeds:
		raise BadDocument('--count: no node of this workflow has a seed, so every run would give the same.')
	policies = {seed.place: policy or seed.policy for seed in seeds}
	if policy is None and all(told == 'fixed' for told in policies.values()):
		named = '.'.join(workflow.place('seed')) if _has_seed_input(workflow) else ''
		moving = [named] if named in policies else list(policies)
		policies.update(dict.fromkeys(moving, 'increment'))
	return {seed.place: seed.after(policies[seed.place], source) for seed in seeds}
