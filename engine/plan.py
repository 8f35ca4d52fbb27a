"""From a checked graph to steps: each with a key made only from what it computes.

key = SHA-256 over canonical JSON: kind, version, code, constants in normal form, keys of the upstream steps with the
output taken, fingerprint of outside state. Node ids, titles and positions do not enter (but for nodes that see their
id), so a renumbered graph is the same. Keys are known before anything runs, so a cached picture spares loading its
model. Nothing here is recursive.
"""

from __future__ import annotations

import gc
import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from types import MappingProxyType
from typing import cast

from pydantic import JsonValue

from engine.cache import CacheKey
from engine.dynamic import live_inputs
from engine.errors import DependencyCycle, NodeFailed, NodeUsage
from engine.graph import Call, Constant, Given, Graph, Link, NodeId
from engine.live import LiveGraph
from engine.registry import Registry
from engine.spec import NodeSpec, Probe
from engine.storage import Storage

Value = Link | Constant | Given
TAKEN = (Link, Constant, Given)


@dataclass(slots=True, eq=False)
class Step:
	"""One node's part in a plan. Nobody changes it once it is made.

	`upstream` are the nodes whose outputs it takes for certain, `lazy` those it may ask for. `salt` is all of the key
	but the inputs, as JSON: two steps of equal salt and equal input values compute the same. `cacheable` is false for a step that
	never gives the same twice; its key is then like no other.
	"""

	node: NodeId
	spec: NodeSpec
	inputs: Mapping[str, Value]
	key: CacheKey
	upstream: tuple[NodeId, ...]
	lazy: tuple[NodeId, ...]
	salt: str
	fingerprint: str
	cacheable: bool


@dataclass(frozen=True, slots=True)
class Kind:
	"""What is the same for all nodes of a kind: spec, declared inputs by name (name, lazy, brings the link itself), salt.

	`names` are those of the declared inputs; None if others reach the node too.
	"""

	spec: NodeSpec
	inputs: tuple[tuple[str, bool, bool], ...]
	names: frozenset[str] | None
	salt: tuple[JsonValue, ...]
	salt_text: str


@dataclass(frozen=True, slots=True)
class Plan:
	"""The steps that `sinks`, which the job is for, need and no others; dependencies first."""

	steps: Mapping[NodeId, Step]
	sinks: tuple[NodeId, ...]

	def pending(self, cached: Callable[[CacheKey], bool]) -> tuple[Step, ...]:
		"""What is left to run: walked back from the sinks, stopping at what is cached and at inputs that are lazy."""
		missing: list[Step] = []
		all_run = True
		for step in self.steps.values():
			if step.cacheable and cached(step.key):
				all_run = False
			else:
				missing.append(step)
				all_run = all_run and not step.lazy
		if all_run or not missing:
			return tuple(missing)
		wanted = set(self.sinks)
		found: list[Step] = []
		# Readers come before what they read, so one pass finds all.
		for step in reversed(missing):
			if step.node in wanted:
				found.append(step)
				wanted.update(step.upstream)
		found.reverse()
		return tuple(found)


class Planner:
	"""Makes steps for the nodes of one job, for those of its expansions too.

	`profile` names what else results depend on, such as the kind of device; keys of another profile are others. `earlier`
	are steps that were made of the very same graph: those that would come out the same are taken as they are.
	"""

	def __init__(
		self,
		live: LiveGraph,
		registry: Registry,
		storage: Storage,
		*,
		profile: str = '',
		earlier: Mapping[NodeId, Step] = MappingProxyType({}),
	) -> None:
		self.live = live
		self.steps: dict[NodeId, Step] = {}
		self.registry = registry
		self._storage = storage
		self._profile = profile
		self._earlier = earlier
		self._kinds: dict[str, Kind] = {}
		self._distrusted: set[NodeId] = set()

	def distrust(self, node: NodeId) -> None:
		"""Live values that this node hands to its expansion do not follow from its key."""
		self._distrusted.add(node)

	def plan(self, sinks: Collection[NodeId]) -> Plan:
		"""The steps that these sinks need. Raises as `extend` does."""
		self.extend(sinks)
		return Plan(self.steps, tuple(sinks))

	def extend(self, nodes: Iterable[NodeId]) -> None:
		"""Make the steps of nodes and of all that they need.

		Raises `NodeFailed` if the fingerprint of a node cannot be taken (its file has gone) or its kind is not known,
		and `DependencyCycle`.
		"""
		with _collector_paused():
			self._extend(nodes)

	def _extend(self, nodes: Iterable[NodeId]) -> None:
		steps, calls = self.steps, self.live.calls
		asked = [node for node in nodes if node not in steps]
		if not steps:
			# Submitted graphs mostly come with sources before their readers: two passes then make all steps.
			wanted = set(asked)
			for node, call in reversed(list(calls.items())):
				if node in wanted:
					wanted.update(self._sources(node, call))
			for node in calls:
				if node in wanted:
					self._try(node)
		self._extend_in_depth(asked)

	def _sources(self, node: NodeId, call: Call) -> list[NodeId]:
		"""The nodes whose outputs reach a node by links."""
		kind = self._kind(node, call.kind)
		names = {item[0] for item in self._declared(kind, call)} if kind.spec.info.is_dynamic else kind.names
		return [
			value.node
			for name, value in call.inputs.items()
			if type(value) is Link and (names is None or name in names)
		]

	def _extend_in_depth(self, nodes: Iterable[NodeId]) -> None:
		steps = self.steps
		opened: set[NodeId] = set()
		stack = [node for node in nodes if node not in steps]
		while stack:
			node = stack[-1]
			missing = () if node in steps else self._try(node)
			if not missing:
				stack.pop()
			elif node in opened:
				# All it needs was visited: what is still missing needs this very node.
				raise DependencyCycle(node, self.live.calls[node].kind)
			else:
				opened.add(node)
				stack += missing

	def _kind(self, node: NodeId, kind: str) -> Kind:
		"""What is the same for all nodes of a kind."""
		found = self._kinds.get(kind)
		if found is None:
			spec = self.registry.get(kind)
			if spec is None:
				raise NodeFailed(node, kind, NodeUsage(f'There is no node kind {kind!r}.'))
			inputs = sorted((item.name, item.lazy, item.raw_link) for item in spec.info.inputs)
			salt: tuple[JsonValue, ...] = (self._profile, kind, spec.info.version, spec.info.code)
			if spec.info.sink and not self._storage.files.metadata:
				# A picture that was saved with its workflow is not the one that was asked for.
				salt = (*salt, 'without metadata')
			names = frozenset(item[0] for item in inputs) if spec.info.open_inputs == 'no' else None
			found = self._kinds[kind] = Kind(spec, tuple(inputs), names, salt, json.dumps(salt))
		return found

	def _declared(self, kind: Kind, call: Call) -> Iterable[tuple[str, bool, bool]]:
		"""The inputs that reach a node, by name: with whether they are lazy, and whether they bring the link itself."""
		info = kind.spec.info
		if info.is_dynamic:
			return sorted((item.name, item.lazy, item.raw_link) for item in live_inputs(info, call.inputs))
		if info.open_inputs == 'no':
			return kind.inputs
		known = {item[0]: item for item in kind.inputs}
		return sorted(
			known.get(name, (name, False, False))
			for name, value in call.inputs.items()
			if name in known or name in info.unlisted or info.open_inputs == 'all' or isinstance(value, Link | Given)
		)

	def _try(self, node: NodeId) -> list[NodeId]:
		"""Make a node's step, if all that it is linked to has one; else give those that have none."""
		steps = self.steps
		call = self.live.calls[node]
		kind = self._kind(node, call.kind)
		earlier = self._earlier.get(node)
		if earlier is not None and self._holds(earlier, kind.spec):
			steps[node] = earlier
			return []
		given = call.inputs
		arguments: list[str] = []
		upstream: tuple[NodeId, ...] = ()
		lazies: tuple[NodeId, ...] = ()
		missing: list[NodeId] = []
		for name, lazy, raw in self._declared(kind, call):
			value = given.get(name)
			if type(value) is Link:
				source = steps.get(value.node)
				if source is None:
					if value.node not in self.live.calls:
						fault = NodeUsage(f'Input {name!r} links to node {value.node!r}, which does not exist.')
						raise NodeFailed(node, call.kind, fault)
					missing.append(value.node)
					continue
				if lazy:
					lazies += (value.node,)
				else:
					upstream += (value.node,)
				# A node that gets the link itself sees the id that it is linked to.
				seen = f', "raw", {quoted(value.node)}' if raw else ''
				arguments.append(f'[{quoted(name)}, "{source.key}", {value.output}{seen}]')
			elif type(value) is Constant:
				arguments.append(f'[{quoted(name)}, {constant_json(value.value)}]')
			elif type(value) is Given:
				arguments.append(json.dumps([name, 'given', *self._giver(node), name]))
		if not missing:
			# Most calls are given what they declare and nothing else: such a step needs no mapping of its own.
			inputs = given if len(arguments) == len(given) else {name: given[name] for name in self._taken(kind, call)}
			# What was taken is no bad link: each has its argument.
			steps[node] = self._step(node, kind, cast(Mapping[str, Value], inputs), arguments, upstream, lazies)
		return missing

	def _holds(self, earlier: Step, spec: NodeSpec) -> bool:
		"""Whether a step of the same call would come out the same again: nothing that enters its key is another."""
		if earlier.spec is not spec or spec.fingerprint is not None or spec.info.caching == 'never':
			return False
		for source in (*earlier.upstream, *earlier.lazy):
			step = self.steps.get(source)
			if step is None or step.key != self._earlier[source].key:
				return False
		return True

	def _taken(self, kind: Kind, call: Call) -> list[str]:
		"""The names of the inputs that are given and reach the node."""
		return [name for name, _, _ in self._declared(kind, call) if type(call.inputs.get(name)) in TAKEN]

	def _step(
		self,
		node: NodeId,
		kind: Kind,
		inputs: Mapping[str, Value],
		arguments: list[str],
		upstream: tuple[NodeId, ...],
		lazies: tuple[NodeId, ...],
	) -> Step:
		spec = kind.spec
		salt = kind.salt_text
		fingerprint, cacheable = '', True
		if spec.fingerprint is not None or spec.info.caching != 'value' or spec.info.hidden:
			fingerprint, cacheable = self._fingerprint(node, spec, inputs)
			salt = json.dumps((*kind.salt, fingerprint, node if spec.info.sees_id else None))
		text = f'[{salt}, [{", ".join(arguments)}]]'
		key = CacheKey(hashlib.sha256(text.encode()).hexdigest())
		return Step(node, spec, inputs, key, upstream, lazies, salt, fingerprint, cacheable)

	def _giver(self, node: NodeId) -> tuple[str, str]:
		"""By what a live value is known that an expansion hands over: the expanding step's key, and the place in it."""
		parent = self.live.parent(node)
		if parent is None or parent not in self.steps or parent in self._distrusted:
			return secrets.token_hex(16), ''
		return self.steps[parent].key, node.removeprefix(parent)

	def _fingerprint(self, node: NodeId, spec: NodeSpec, inputs: Mapping[str, Value]) -> tuple[str, bool]:
		"""The state of the outside world, and whether it can be the same again."""
		if spec.info.caching == 'never':
			return secrets.token_hex(16), False
		if spec.fingerprint is None:
			return '', True
		constants = {name: value.value for name, value in inputs.items() if isinstance(value, Constant)}
		links = tuple(name for name, value in inputs.items() if not isinstance(value, Constant))
		try:
			told = spec.fingerprint(Probe(self._storage, node, constants, links))
		except Exception as error:
			raise NodeFailed(node, spec.info.kind, error) from error
		return (told, True) if told is not None else (secrets.token_hex(16), False)


@contextmanager
def _collector_paused() -> Iterator[None]:
	"""Planning makes many objects, all of which stay: looking for garbage among them costs as much as they do."""
	enabled = gc.isenabled()
	gc.disable()
	try:
		yield
	finally:
		if enabled:
			gc.enable()


def make_plan(
	graph: Graph, registry: Registry, storage: Storage, sinks: Collection[NodeId], *, profile: str = ''
) -> Plan:
	"""Plan a graph that `check` found good. Raises as `Planner.extend` does."""
	return Planner(LiveGraph(graph), registry, storage, profile=profile).plan(sinks)


def content_key(step: Step, contents: Mapping[str, str]) -> CacheKey:
	"""The key of a step by the content of its inputs: name → JSON that tells what came."""
	inputs = ', '.join([f'[{quoted(name)}, {content}]' for name, content in sorted(contents.items())])
	return CacheKey(hashlib.sha256(f'["content", {step.salt}, [{inputs}]]'.encode()).hexdigest())


def constant_json(value: JsonValue) -> str:
	"""A constant as it enters a key."""
	if type(value) is int:
		return repr(value)
	return quoted(value) if type(value) is str else json.dumps(value)
