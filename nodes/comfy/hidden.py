"""The hidden inputs: what a node sees beside its inputs, by the names under which it asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.context import Context
from engine.declaration import Hidden
from engine.graph import Argument, Call, Constant, Given, Link, NodeId
from nodes.comfy.shims.comfy_execution.graph import NodeNotFoundError
from nodes.comfy.values import to_foreign

SECRETS: tuple[Hidden, ...] = ('auth_token_comfy_org', 'api_key_comfy_org')


def hidden_values(hidden: Mapping[str, Hidden], context: Context, *, saves: bool = False) -> dict[str, object]:
	"""Name → value, during a call. The graphs are the job's own objects: packs write into the workflow to be saved.

	A node that `saves` gets no workflow where people want none in their files.
	"""
	silent = saves and not context.files.metadata
	known: dict[str, object] = {
		'prompt': None if silent else context.job.prompt,
		'dynprompt': DynamicPrompt(context),
		'extra_pnginfo': None if silent else context.job.extra_pnginfo or None,
		'unique_id': context.node,
		**{source: context.job.secrets.get(source) for source in SECRETS},
	}
	return {name: known.get(source) for name, source in hidden.items()}


def probe_values(hidden: Mapping[str, Hidden], node: str) -> dict[str, object]:
	"""Name → value, before anything runs: an empty prompt and the node's id; the rest is not known."""
	known: dict[str, object] = {'prompt': {}, 'unique_id': node}
	return {name: known.get(source) for name, source in hidden.items()}


class DynamicPrompt:
	"""The running job's graph as `DYNPROMPT` shows it, expansions included."""

	def __init__(self, context: Context) -> None:
		self._job = context.job
		self._graph = context.graph

	def get_node(self, node_id: str) -> dict[str, object]:
		"""A node in API form; `NodeNotFoundError`, a `KeyError`, if there is none."""
		call = self._graph.calls.get(NodeId(node_id))
		if call is None:
			raise NodeNotFoundError(f'There is no node {node_id!r}.')
		return _api_form(call)

	def has_node(self, node_id: str) -> bool:
		"""Whether there is such a node."""
		return NodeId(node_id) in self._graph.calls

	def get_original_prompt(self) -> Mapping[str, object]:
		"""The graph as it was submitted, in API form."""
		if self._job.prompt:
			return self._job.prompt
		return {node: _api_form(call) for node, call in self._graph.submitted.calls.items()}

	def get_real_node_id(self, node_id: str) -> str:
		"""The submitted node that a node belongs to."""
		return self._graph.real(NodeId(node_id))

	def get_display_node_id(self, node_id: str) -> str:
		"""The node at which a node's events are shown."""
		return self._graph.display(NodeId(node_id))

	def get_parent_node_id(self, node_id: str) -> str | None:
		"""The node whose expansion brought this one in; None for a submitted node."""
		return self._graph.parent(NodeId(node_id))

	def all_node_ids(self) -> set[str]:
		"""The ids of all nodes."""
		return set(self._graph.calls)


def _api_form(call: Call) -> dict[str, object]:
	return {'class_type': call.kind, 'inputs': {name: _api_value(item) for name, item in call.inputs.items()}}


def _api_value(argument: Argument) -> object:
	match argument:
		case Link():
			return [argument.node, argument.output]
		case Given():
			return to_foreign(argument.value)
		case Constant():
			return argument.value
		case _:
			return argument.value
