"""One attempt at one step: gather its inputs, look whether their content is known, call it, join what it gave."""

from __future__ import annotations

import asyncio
import secrets
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from json.encoder import encode_basestring_ascii as quoted
from typing import Protocol

from engine.board import Board, Task
from engine.cache import CacheKey, Entry, Items, OutputCache, Outputs
from engine.calling import Arguments, Blocked, Made, blocker, gather, invoke, join, split, split_plain, with_lazies
from engine.cancel import CancelToken
from engine.codec import Codecs
from engine.context import Context, JobInfo, Shown
from engine.errors import DependencyCycle, NodeFailed, NodeUsage
from engine.estimate import Timings
from engine.events import AnyEvent, GraphExpanded, NodeBlocked, NodeStarted, NodeText, NodeWaits, Why
from engine.flow import Returned, Skip
from engine.graph import Constant, Given, Link, NodeId
from engine.lanes import Lanes, Start
from engine.live import LiveGraph
from engine.modelstore import ModelStore
from engine.origins import Origins
from engine.plan import Planner, Step, constant_json, content_key
from engine.sparing import with_second_try
from engine.storage import Storage
from engine.why import Trace, why_ran

SAME_INPUTS = Why(code='same_inputs', text='upstream ran, and gave what it gave before')
TWIN = Why(code='twin', text='an equal node of the same run has its result')


@dataclass(frozen=True)
class Tools:
	"""What runs share: they belong to the process.

	`adapt` brings foreign values into native form, by socket name; `preflight` raises
	`NodeFailed` if nodes that are to be run cannot be; `is_full` knows the errors of memory that ran out.
	"""

	cache: OutputCache
	models: ModelStore
	storage: Storage
	codecs: Codecs
	lanes: Lanes
	timings: Timings
	adapt: Mapping[str, Callable[[object], object]]
	publish: Callable[[AnyEvent], None]
	preflight: Callable[[LiveGraph, Collection[NodeId]], None] = lambda graph, nodes: None
	is_full: Callable[[BaseException], bool] = lambda error: isinstance(error, MemoryError)


class Complete(Protocol):
	"""Called when a task has its results; `ran` if its function was called."""

	def __call__(self, task: Task, entry: Entry, why: Why, *, ran: bool) -> None: ...


class Attempts:
	"""Makes attempts at the tasks of one run. An attempt completes the task, puts it back on the board, or raises."""

	def __init__(
		self,
		tools: Tools,
		planner: Planner,
		board: Board,
		lock: threading.Condition,
		job: JobInfo,
		stop: CancelToken,
		publish: Callable[[AnyEvent], None],
		*,
		before: Callable[[Step], Trace | None],
		complete: Complete,
		end: Callable[[Task, BaseException], None],
		tell_again: Callable[[Step, Entry], None],
	) -> None:
		self._tools = tools
		self._cache = tools.cache
		self._planner = planner
		self._steps = planner.steps
		self._board = board
		self._lock = lock
		self._job = job
		self._stop = stop
		self._publish = publish
		self._before = before
		self._complete = complete
		self._end = end
		self._tell_again = tell_again
		self._origins = Origins(planner.steps)
		self._planning = threading.Lock()

	def attempt(self, task: Task, start: Start) -> None:
		"""One attempt. Raises whatever the node raises, and `InputWanted`."""
		step = task.step
		if task.leader is not None:
			self._origins.repeat(task.node, task.leader.node)
			self._complete(task, self._entry(task.leader.node), TWIN, ran=False)
			return
		if task.expanded is not None:
			self._finish(task, task.expanded)
			return
		task.arguments, task.missing = self._gather(task)
		if step.cacheable and step.upstream and not step.lazy and not step.spec.info.sees_graph:
			task.content = self._content(step)
			if task.content is not None:
				known = self._cache.get(task.content)
				if known is not None:
					if not self._origins.settle(step, self._origins.of(step.upstream)):
						self._cache.put(step.key, known, also=task.content, owner=self._owner(step.node))
					self._complete(task, known, SAME_INPUTS, ran=False)
					return
		self._publish(NodeStarted(job=self._job.id, node=step.node, kind=step.spec.info.kind))
		task.began, task.modules = time.perf_counter(), len(sys.modules)
		self._call(task, start)

	def _gather(self, task: Task) -> tuple[dict[str, Items], frozenset[str]]:
		"""What the inputs bring, and the lazy ones that are not computed."""
		spec = task.step.spec
		arguments: dict[str, Items] = {}
		missing: list[str] = []
		copy, adapt = self._tools.codecs.copy, {} if spec.info.foreign else self._tools.adapt
		for name, value in task.step.inputs.items():
			declared = spec.info.inputs_by_name.get(name)
			if isinstance(value, Constant):
				arguments[name] = (value.value,)
				continue
			if isinstance(value, Given):
				items: Items = (value.value,)
			elif declared is not None and declared.raw_link:
				arguments[name] = (value,)
				continue
			elif declared is not None and declared.lazy and name not in task.asked:
				missing.append(name)
				continue
			else:
				items = self._board.items(value)
			native = adapt.get(declared.type) if adapt and declared is not None else None
			arguments[name] = tuple(map(copy, items if native is None else map(native, items)))
		return arguments, frozenset(missing)

	def _entry(self, node: NodeId) -> Entry:
		entry = self._board.entry(node)
		if entry is None:
			raise NodeUsage(f'The outputs of node {node!r} are needed, and are not there.')
		return entry

	def _content(self, step: Step) -> CacheKey | None:
		"""The step's key by the content of its inputs; None where an input has none."""
		contents: dict[str, str] = {}
		for name, value in step.inputs.items():
			if isinstance(value, Link):
				known = self._entry(value.node).digests
				if value.output >= len(known):
					return None
				contents[name] = f'[{quoted(known[value.output])}]'
			elif isinstance(value, Constant):
				contents[name] = f'[{constant_json(value.value)}, "constant"]'
			else:
				return None
		return content_key(step, contents)

	def _call(self, task: Task, start: Start) -> None:
		spec = task.step.spec
		missing = task.missing
		plain = None if missing else split_plain(task.arguments)
		if plain is not None and not spec.info.input_is_list and not spec.info.takes_lists:
			calls = [plain]
		else:
			calls = split(spec, task.arguments, missing)
		if spec.wants is not None and missing:
			wanted = [
				name
				for index, arguments in enumerate(calls)
				if blocker(spec, arguments) is None
				for name in spec.wants(self._context(task, index if len(calls) > 1 else None), arguments)
			]
			if wanted and self.ask(task, wanted):
				return
		task.shown = Shown()
		if spec.is_async:
			self._begin_coroutine(task, calls, start)
			return
		made: list[Made] = []
		for index, arguments in enumerate(calls):
			self._stop.check()
			one = self._make(task, index if len(calls) > 1 else None, arguments)
			if isinstance(one, Awaitable):
				# A plain function that gives an awaitable: what came before is kept, the rest is awaited.
				self._begin_coroutine(task, calls, start, made, one)
				return
			made.append(one)
		self._finish(task, made)

	def _make(self, task: Task, index: int | None, arguments: Arguments) -> Made | Awaitable[Returned]:
		"""One call, unless an input of it was skipped."""
		skip = blocker(task.step.spec, arguments)
		if skip is not None:
			return Blocked(skip)
		spec = task.step.spec
		if spec.wants is None and spec.info.has_lazy:
			arguments = with_lazies(spec, arguments, task.missing)
		made = with_second_try(
			lambda: invoke(spec, self._context(task, index), arguments),
			self._tools.models.rooms,
			is_full=self._tools.is_full,
			tell=lambda text: self._publish(NodeText(job=self._job.id, node=task.node, text=text)),
		)
		if isinstance(made, Returned) and made.ui is not None:
			task.show(made.ui)
		return made

	def _context(self, task: Task, index: int | None) -> Context:
		return Context(
			self._job,
			task.node,
			models=self._tools.models,
			storage=self._tools.storage,
			cancel=self._stop,
			publish=self._publish,
			graph=self._planner.live,
			index=index,
			shown=task.shown,
		)

	def _begin_coroutine(
		self,
		task: Task,
		calls: list[Arguments],
		start: Start,
		made: Iterable[Made] = (),
		begun: Awaitable[Returned] | None = None,
	) -> None:
		"""Go on with a task as a coroutine: its calls run side by side, and other tasks meanwhile."""
		before = list(made)
		rest = [
			partial(self._make, task, index if len(calls) > 1 else None, arguments)
			for index, arguments in enumerate(calls)
		][len(before) + (begun is not None) :]

		async def run() -> None:
			try:
				found = await gather(rest if begun is None else [lambda: begun, *rest])
				for one in found:
					if isinstance(one, Returned) and one.ui is not None:
						task.show(one.ui)
				self._finish(task, [*before, *found])
			except BaseException as error:
				if isinstance(begun, Coroutine):
					begun.close()
				self._end(task, error)
			finally:
				# Completed or put back: the end of a run may wait for it, and no thread's end tells.
				with self._lock:
					self._lock.notify_all()

		task.stop = start(run, lambda: self._end(task, asyncio.CancelledError()))
		if self._stop.cancelled:
			task.stop()

	def ask(self, task: Task, names: Iterable[str]) -> bool:
		"""Have lazy inputs computed and put the task back until they are; false if none of them is new.

		Raises `NodeUsage` for the name of an input that is not given.
		"""
		info = task.step.spec.info
		fresh: list[str] = []
		for name in names:
			value = task.step.inputs.get(name)
			if value is None:
				raise NodeUsage(f'{info.kind} asks for input {name!r}, which is not given.')
			if name in task.missing and name not in task.asked:
				fresh.append(name)
		if not fresh:
			return False
		task.asked |= set(fresh)
		self._publish(NodeWaits(job=self._job.id, node=task.node))
		links = [value.node for name in fresh if isinstance(value := task.step.inputs[name], Link)]
		with self._lock:
			self._board.require(task, links)
		return True

	def _finish(self, task: Task, made: list[Made]) -> None:
		"""All calls are made: take in what they expanded to, or end the task."""
		if task.expanded is None and task.began:
			task.seconds = time.perf_counter() - task.began
		if task.expanded is None and any(type(one) is Returned and one.expand is not None for one in made):
			task.expanded = made
			self._expand(task, made)
			return
		if any(type(one) is Blocked for one in made):
			self._tell_blocked(task, made)
		step = task.step
		outputs = join(step.spec, made, self._board.items)
		if step.spec.info.foreign:
			# Such a node may keep what it gives, and change it in its next call.
			outputs = tuple(tuple(map(self._tools.codecs.copy, items)) for items in outputs)
		borrowed = self._origins.borrowed(made)
		untold = self._origins.settle(step, borrowed | self._origins.of((*step.upstream, *step.lazy)))
		entry = Entry(
			outputs,
			task.shown.ui if task.shown is not None else None,
			task.seconds,
			step.spec.info.kind,
			self._digests(step.key if not untold else secrets.token_hex(16), outputs),
			self._tools.codecs.size(outputs),
		)
		# Where all was passed over for a reason that people are told, they are told again in the next run.
		passed_over = all(type(one) is Blocked and one.skip.told for one in made)
		# What is made of what has failed is to be made anew.
		gapped = step.spec.info.takes_skips and any(Skip in map(type, items) for items in task.arguments.values())
		if step.cacheable and not passed_over and not gapped:
			# What was made from other nodes than those that came in by links does not follow from what came in.
			content = None if borrowed else task.content
			if not untold:
				self._cache.put(step.key, entry, also=content, owner=self._owner(step.node))
			elif content is not None:
				self._cache.put(content, entry, owner=self._owner(step.node))
		# The first call may have waited for libraries to be imported, which tells nothing of the next one.
		if len(sys.modules) == task.modules and any(type(one) is Returned for one in made):
			self._tools.timings.learn(step.spec.info.kind, task.seconds)
		task.trace = Trace.of_step(step, self._steps)
		self._complete(task, entry, why_ran(step, task.trace, self._before(step), untold), ran=True)

	def _owner(self, node: NodeId) -> NodeId | None:
		"""The submitted node that a node of an expansion belongs to; None for a submitted one."""
		live = self._planner.live
		return None if live.parent(node) is None else live.real(node)

	def _digests(self, name: str, outputs: Outputs) -> tuple[str, ...]:
		"""A digest per output: of its content, or else `name` and the place."""
		digest = self._tools.codecs.digest
		found: list[str] = []
		for index, items in enumerate(outputs):
			told = digest(items[0]) if len(items) == 1 else digest(items)
			lone = '' if len(items) == 1 else 'list '
			found.append(f'{name} {index}' if told is None else lone + told)
		return tuple(found)

	def _expand(self, task: Task, made: list[Made]) -> None:
		"""Plan and schedule the nodes that a task became; it waits for those whose outputs are its own."""
		live, node = self._planner.live, task.node
		if self._origins.of((*task.step.upstream, *task.step.lazy)):
			self._planner.distrust(node)
		with self._planning:
			# It may have run before in this very job: its results were dropped, and were asked for again.
			for child in live.forget_children(node):
				self._steps.pop(child, None)
			added = [
				item
				for one in made
				if isinstance(one, Returned) and one.expand is not None
				for item in live.add(node, one.expand)
			]
			wanted = [
				value.node
				for one in made
				if isinstance(one, Returned) and one.expand is not None
				for value in one.outputs or ()
				if type(value) is Link
			]
			missing = live.unknown(wanted)
			if missing:
				raise NodeUsage(f'The expansion gives an output of node {missing[0]!r}, which does not exist.')
			registry = self._planner.registry
			sinks = [NodeId(item.node) for item in added if item.kind in registry and registry[item.kind].info.sink]
			try:
				self._planner.extend([*wanted, *sinks])
			except DependencyCycle as error:
				raise NodeFailed(node, task.step.spec.info.kind, error) from error
		self._publish(GraphExpanded(job=self._job.id, node=node, added=tuple(added)))
		with self._lock:
			told = self._board.schedule(sinks, like=task, tell=frozenset(sinks))
			self._board.require(task, wanted)
		for step, entry in told:
			self._tell_again(step, entry)

	def _tell_blocked(self, task: Task, made: list[Made]) -> None:
		"""Tell of the first message that came with a skipped input; what is downstream of here is skipped in silence."""
		skips = [one.skip for one in made if isinstance(one, Blocked)]
		messages = [skip.message for skip in skips if skip.message is not None and not skip.told]
		if messages:
			kind = task.step.spec.info.kind
			self._publish(NodeBlocked(job=self._job.id, node=task.node, kind=kind, message=messages[0]))
			made[:] = [Blocked(replace(one.skip, told=True)) if isinstance(one, Blocked) else one for one in made]
