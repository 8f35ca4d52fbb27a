"""Runs a plan.

Policy: steps run one at a time in the plan's order. A step whose key is in the cache is not called; a cached sink tells
again what it showed. Values that pending steps need are held until their last reader has run, whatever the cache does
meanwhile. Every step's result goes into the cache as soon as it is there, so a failed or cancelled job leaves what it
finished. The only way out is `publish`.

State of a run:
	values   node → its outputs, while somebody still needs them, e.g. {'model': (ref, ref, ref)}
	readers  node → how many pending steps have yet to read it, e.g. {'model': 3}
	shown    node → entry of the sinks that are cached and only tell again
	computed keys that were computed in this run: an equal step under another id takes its result from the cache
	finished nodes that have their results, in order, e.g. ['model', 'positive']
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from engine.cache import CacheKey, Entry, OutputCache, Outputs
from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.errors import Cancelled, NodeFailed, NodeUsage
from engine.events import AnyEvent, Failure, JobFinished, NodeFinished, NodesCached, NodeStarted
from engine.graph import Constant, Link, NodeId
from engine.models import ModelStore
from engine.plan import Plan, Step
from engine.storage import Storage

SHOWN = 300


@dataclass
class _Run:
	"""What is known at one moment of a run; see the top of this file."""

	values: dict[NodeId, Outputs] = field(default_factory=dict)
	readers: Counter[NodeId] = field(default_factory=Counter)
	shown: dict[NodeId, Entry] = field(default_factory=dict)
	computed: set[CacheKey] = field(default_factory=set)
	finished: list[NodeId] = field(default_factory=list)
	current: Step | None = None


class Executor:
	"""Runs plans against one cache and one model store."""

	def __init__(
		self,
		cache: OutputCache,
		models: ModelStore,
		storage: Storage,
		publish: Callable[[AnyEvent], None],
	) -> None:
		self._cache = cache
		self._models = models
		self._storage = storage
		self._publish = publish

	def run(self, plan: Plan, job: JobInfo, cancel: CancelToken) -> JobFinished:
		"""Run what is pending; gives the outcome, which is not published yet. Raises nothing that a node raises."""
		run = _Run()
		try:
			self._steps(plan, job, cancel, run)
		except Cancelled:
			node = run.current
			return JobFinished(
				job=job.id,
				state='cancelled',
				node=node.node if node else None,
				kind=node.spec.info.kind if node else '',
				executed=tuple(run.finished),
			)
		except NodeFailed as error:
			return failed(job.id, error, executed=tuple(run.finished), inputs=self._inputs(run))
		return JobFinished(job=job.id, state='succeeded', executed=tuple(run.finished))

	def _steps(self, plan: Plan, job: JobInfo, cancel: CancelToken, run: _Run) -> None:
		pending = self._hold(plan, run)
		left = {step.node for step in pending}
		self._publish(
			NodesCached(
				job=job.id,
				nodes=tuple(step.node for step in plan.steps if step.key in self._cache),
				pending=tuple(step.node for step in pending),
			)
		)
		for step in plan.steps:
			cancel.check()
			if step.node in run.shown:
				self._tell_again(step, run.shown[step.node], job, run)
			if step.node not in left:
				continue
			# An equal step may have run a moment ago, under another id.
			twin = self._cache.get(step.key) if step.key in run.computed else None
			if twin is not None:
				self._keep(step, twin.outputs, run)
				self._tell_again(step, twin, job, run)
			else:
				run.current = step
				self._call(step, job, cancel, run)
				run.current = None

	def _tell_again(self, step: Step, known: Entry, job: JobInfo, run: _Run) -> None:
		"""A step that need not be called has its results, and shows what it showed."""
		run.finished.append(step.node)
		self._publish(
			NodeFinished(
				job=job.id,
				node=step.node,
				kind=step.spec.info.kind,
				seconds=0.0,
				cached=True,
				ui=known.ui,
			)
		)

	def _hold(self, plan: Plan, run: _Run) -> tuple[Step, ...]:
		"""Decide what runs, and get hold of what is needed from the cache before anything can evict it."""
		by_node = {step.node: step for step in plan.steps}
		gone: set[CacheKey] = set()
		while True:
			present = {step.key for step in plan.steps if step.key not in gone and step.key in self._cache}
			pending = plan.pending(present)
			running = {step.node for step in pending}
			run.readers = Counter(node for step in pending for node in step.upstream)
			wanted = [node for node in (*run.readers, *plan.sinks) if node not in running]
			found = {node: self._cache.get(by_node[node].key) for node in wanted}
			held = {node: entry for node, entry in found.items() if entry is not None}
			if len(held) == len(found):
				run.values = {node: held[node].outputs for node in run.readers if node in held}
				run.shown = {node: held[node] for node in plan.sinks if node in held}
				return pending
			gone.update(by_node[node].key for node in found if node not in held)

	def _call(self, step: Step, job: JobInfo, cancel: CancelToken, run: _Run) -> None:
		info = step.spec.info
		context = Context(
			job, step.node, models=self._models, storage=self._storage, cancel=cancel, publish=self._publish
		)
		arguments = {name: self._argument(argument, run) for name, argument in step.inputs.items()}
		if step.spec.context is not None:
			arguments[step.spec.context] = context
		self._publish(NodeStarted(job=job.id, node=step.node, kind=info.kind))
		began = time.perf_counter()
		try:
			outputs = as_outputs(step, step.spec.call(**arguments))
		except Cancelled:
			raise
		except Exception as error:
			raise NodeFailed(step.node, info.kind, error) from error
		seconds = time.perf_counter() - began
		self._cache.put(step.key, Entry(outputs, context.ui, seconds))
		run.computed.add(step.key)
		self._keep(step, outputs, run)
		run.finished.append(step.node)
		self._publish(NodeFinished(job=job.id, node=step.node, kind=info.kind, seconds=seconds, ui=context.ui))

	def _argument(self, argument: Link | Constant, run: _Run) -> object:
		if isinstance(argument, Constant):
			return argument.value
		return run.values[argument.node][argument.output]

	def _keep(self, step: Step, outputs: Outputs, run: _Run) -> None:
		"""Hold a step's outputs for its readers, and let go of what it was the last to read."""
		if run.readers[step.node]:
			run.values[step.node] = outputs
		for node in step.upstream:
			run.readers[node] -= 1
			if not run.readers[node]:
				run.values.pop(node, None)

	def _inputs(self, run: _Run) -> dict[str, JsonValue]:
		"""What the failed step was given, short enough to be told."""
		step = run.current
		if step is None:
			return {}
		given: Mapping[str, object] = {name: self._argument(argument, run) for name, argument in step.inputs.items()}
		return {name: [described(value)] for name, value in given.items()}


def as_outputs(step: Step, result: object) -> Outputs:
	"""A node function's result as a tuple of outputs; `NodeUsage` if their number is not the declared one."""
	declared = step.spec.info.outputs
	if not declared:
		outputs: Outputs = ()
	elif isinstance(result, tuple) and hasattr(result, '_fields'):
		outputs = tuple(result)
	else:
		outputs = (result,)
	if len(outputs) != len(declared):
		raise NodeUsage(f'{step.spec.info.kind} gave {len(outputs)} outputs, {len(declared)} are declared.')
	return outputs


def failed(
	job: str,
	error: NodeFailed,
	*,
	executed: tuple[str, ...] = (),
	inputs: dict[str, JsonValue] | None = None,
) -> JobFinished:
	"""The end of a job whose node failed."""
	cause = error.cause
	return JobFinished(
		job=job,
		state='failed',
		node=error.node or None,
		kind=error.kind,
		executed=executed,
		failure=Failure(
			message=unicode(str(cause)) or type(cause).__name__,
			exception_type=qualified_name(type(cause)),
			node=error.node or None,
			kind=error.kind,
			traceback=tuple(map(unicode, traceback.format_tb(cause.__traceback__))),
			inputs=inputs or {},
		),
	)


def described(value: object) -> JsonValue:
	"""A value as JSON: simple ones as they are, others as text, cut short; the type where its `__str__` fails."""
	if value is None or isinstance(value, bool | int | float):
		return value
	if isinstance(value, str):
		return unicode(value)
	try:
		return unicode(str(value))[:SHOWN]
	except Exception:
		return f'<{qualified_name(type(value))}>'


def unicode(text: str) -> str:
	"""Text that can be sent: half of a surrogate pair, as file names in old encodings have, becomes a question mark."""
	return text.encode('utf-8', 'replace').decode()


def qualified_name(cls: type) -> str:
	"""`RuntimeError`, `torch.OutOfMemoryError`: with the module, but for builtins."""
	return cls.__qualname__ if cls.__module__ == 'builtins' else f'{cls.__module__}.{cls.__qualname__}'
