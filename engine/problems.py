"""What a check finds: problems, each with all that is needed to say so, and what can run all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from engine.declaration import Model
from engine.graph import Graph, NodeId
from engine.spec import ValidationRequest

Code = Literal[
	'missing_node_type',
	'prompt_no_outputs',
	'required_input_missing',
	'unknown_input',
	'bad_linked_input',
	'return_type_mismatch',
	'invalid_input_type',
	'value_smaller_than_min',
	'value_bigger_than_max',
	'value_not_in_list',
	'custom_validation_failed',
	'dependency_cycle',
]


class Problem(Model):
	"""One thing that is wrong, with all that is needed to say so.

	`node` is None when the graph as a whole is meant. `source` is the linked node and output of a link's problem. Where
	the node itself refuses a value, `expected` is empty and `received` is its sentence.
	"""

	code: Code
	node: str | None = None
	kind: str = ''
	input: str | None = None
	expected: str = ''
	received: str = ''
	value: JsonValue = None
	source: tuple[str, int] | None = None
	cycle: tuple[str, ...] = ()

	@property
	def told(self) -> str:
		"""What was expected and what came, or the node's own words."""
		return f'expected {self.expected}, got {self.received}' if self.expected else self.received

	@property
	def sentence(self) -> str:
		"""For people: which node and input, what was expected, what came."""
		where = f'node {self.node!r}' if self.node is not None else 'the graph'
		if self.kind:
			where += f' ({self.kind})'
		if self.input is not None:
			where += f', input {self.input!r}'
		return f'{where}: {self.told}'


@dataclass(frozen=True)
class Checked:
	"""What the check found: the graph in normal form, the problems, and the sinks that can run all the same.

	`validations` are the nodes that still have to judge their own constants; see `with_refusals`.
	"""

	graph: Graph
	problems: tuple[Problem, ...]
	sinks: tuple[NodeId, ...]
	good_sinks: tuple[NodeId, ...]
	validations: tuple[ValidationRequest, ...] = ()


def shown(value: JsonValue) -> str:
	"""A value for a message, shortened."""
	text = repr(value)
	return text if len(text) <= 80 else f'{text[:77]}…'
