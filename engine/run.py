"""One run of one plan: which steps are ready, who runs them, what their results set free.

Policy. A step is ready when all it needs is there. Ready steps of different lanes run side by side, each lane taking
them in the order of `engine.order`; coroutines begin before others, since they only begin. A step whose key, or whose
inputs' content, is in the cache is not called. Every result goes into the cache before anybody hears of it, so a
failed, cancelled or killed job leaves what it finished. The first failure ends the job, unless a node is to come that
takes what was skipped (a grid of pictures): then it goes on without what has failed, and has failed at its end.

The state is the `Board`, guarded by one lock; whoever ends a task sets free what waited for it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.attempt import Attempts, Tools
from engine.board import Board, Task
from engine.cache import Entry, Items
from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.declaration import Lane
from engine.errors import Cancelled, NodeFailed, NodeUsage
from engine.estimate import Progress
from engine.events import AnyEvent, NodeBlocked, NodeFinished, NodeProgress, NodesCached, NodeStarted, Why
from engine.flow import InputWanted, Skip
from engine.graph import Constant, NodeId
from engine.lanes import HomeLoop, Start
from engine.plan import Plan, Planner, Step
from engine.why import Trace

CACHED = Why(code='cached')


@dataclass(frozen=True, slots=True)
class Record:
	"""What became of a step, for the report. `seconds` are those of the call that made its results."""

	step: Step
	ran: bool
	why: Why
	seconds: float
	trace: Trace | None = None


class Run:
	"""One job on its way through its plan."""

	def __init__(
		self,
		tools: Tools,
		planner: Planner,
		plan: Plan,
		job: JobInfo,
		cancel: CancelToken,
		before: Callable[[Step], Trace | None],
	) -> None:
		self._tools = tools
		self._planner = planner
		self._plan = plan
		self._job = job
		self._cancel = cancel
		self._stop = CancelToken()
		self._changed = threading.Condition()
		self._publishing = threading.RLock()
		self._home = HomeLoop()
		self._home_thread = threading.get_ident()
		self._progress = Progress(job.id, tools.timings)
		self._threads: Counter[Lane] = Counter()
		self._board = Board(planner.steps, tools.cache, plan.sinks, tools.timings, self._on_ready)
		self._attempts = Attempts(
			tools,
			planner,
			self._board,
			self._changed,
			job,
			self._stop,
			self._publish,
			before=before,
			complete=self._complete,
			end=self._end,
			tell_again=self._tell_again,
		)
		self.finished: list[NodeId] = []
		self.records: dict[NodeId, Record] = {}
		self.failure: NodeFailed | None = None
		self.failed: Task | None = None
		self.stopped_at: Step | None = None
		self._forgiven: frozenset[NodeId] | None = None

	def go(self) -> None:
		"""Run everything that is pending. Raises `NodeFailed`, `JobCancelled`; nothing else that a node raises."""
		unsubscribe = self._cancel.subscribe(self._stop.cancel)
		unwatch = self._stop.subscribe(self._wake)
		try:
			self._cancel.check()
			self._begin()
			self._work_at_home()
		finally:
			self._stop.cancel()
			self._let_threads_end()
			unwatch()
			unsubscribe()
			self._home.close()
		if self.failure is not None:
			raise self.failure
		self._cancel.check()

	def inputs_of_failure(self) -> Mapping[str, Items]:
		"""What the failed step was given, as far as it came to that."""
		if self.failed is None:
			return {}
		constants = {
			name: (value.value,)
			for name, value in self.failed.step.inputs.items()
			if isinstance(value, Constant) and name not in self.failed.arguments
		}
		return {**constants, **self.failed.arguments}

	def _begin(self) -> None:
		steps, cache = self._plan.steps, self._tools.cache
		known = {step.key for step in steps.values() if step.cacheable and step.key in cache}
		pending = self._plan.pending(known.__contains__)
		cached = [step for step in steps.values() if step.key in known]
		self._publish(
			NodesCached(
				job=self._job.id,
				nodes=tuple(step.node for step in cached),
				pending=tuple(step.node for step in pending),
			)
		)
		self._tools.preflight(self._planner.live, [step.node for step in pending])
		for step in cached:
			self.records[step.node] = Record(step, False, CACHED, 0.0)
		for step in pending:
			self._progress.expect(step.node, step.spec.info.kind)
		with self._changed:
			told = self._board.schedule(self._plan.sinks, tell=frozenset(self._plan.sinks), known=known)
		for step, entry in told:
			self._tell_again(step, entry)

	def _work_at_home(self) -> None:
		"""The device lane, in the thread of the job, until nothing is left."""
		board = self._board
		while True:
			with self._changed:
				task = None if self._stop.cancelled else board.take('device')
				if task is None:
					if self._stop.cancelled or not board.left:
						return
					if not board.running and not any(self._threads.values()):
						raise board.stuck(self._planner.live)
					if not self._home.busy:
						self._changed.wait()
						continue
			if task is None:
				self._home.wait()
				continue
			self._perform(task, self._home.start)
			if self._home.busy:
				self._home.turn()

	def _work_in(self, lane: Lane) -> None:
		"""A thread of another lane: takes its tasks until there are none."""
		while True:
			with self._changed:
				task = None if self._stop.cancelled else self._board.take(lane)
				if task is None:
					self._threads[lane] -= 1
					self._wake()
					return
			self._perform(task, self._tools.lanes.start)

	def _on_ready(self, lane: Lane) -> None:
		"""A task of this lane may begin: see to it that somebody takes it. Lock held."""
		if lane == 'device':
			if threading.get_ident() != self._home_thread:
				self._wake()
		elif self._threads[lane] < self._tools.lanes.widths[lane]:
			self._threads[lane] += 1
			self._tools.lanes.submit(lane, lambda: self._work_in(lane))

	def _let_threads_end(self) -> None:
		"""Wait for what still runs in other threads: it looks at the token, or comes to its end."""
		with self._changed:
			stops = [task.stop for task in self._board.running.values() if task.stop is not None]
		for stop in stops:
			stop()
		while self._home.busy:
			self._home.wait()
		with self._changed:
			while self._board.running or any(self._threads.values()):
				self._changed.wait()

	def _wake(self) -> None:
		with self._changed:
			self._changed.notify_all()
		self._home.wake()

	def _perform(self, task: Task, start: Start) -> None:
		"""One attempt at a task: it ends, fails, goes back to wait, or goes on as a coroutine. Raises nothing of a node."""
		try:
			self._attempts.attempt(task, start)
		except KeyboardInterrupt:
			with self._changed:
				self._board.running.pop(task.node, None)
			raise
		except BaseException as error:
			self._end(task, error)

	def _end(self, task: Task, error: BaseException) -> None:
		"""What a task has raised: it asks for an input, gives up, or has failed."""
		if isinstance(error, InputWanted):
			try:
				if self._attempts.ask(task, error.names):
					return
				error = NodeUsage(f'The node asks for {", ".join(map(repr, error.names))} again, which it has.')
			except NodeUsage as fault:
				error = fault
		with self._changed:
			self._board.running.pop(task.node, None)
			if isinstance(error, Cancelled) or (self._stop.cancelled and not isinstance(error, Exception)):
				self.stopped_at = self.stopped_at or task.step
				if not self._stop.cancelled:
					# The node itself gives up the job.
					self._cancel.cancel()
			elif self.failure is None and not self._cancel.cancelled:
				self.failure = self._failure_of(task, error)
				self.failed = task
		if isinstance(error, Exception) and not self._stop.cancelled and self._is_forgiven(task):
			self._pass_over(task, self._failure_of(task, error))
			return
		self._stop.cancel()
		self._wake()

	def _failure_of(self, task: Task, error: BaseException) -> NodeFailed:
		return error if isinstance(error, NodeFailed) else NodeFailed(task.node, task.step.spec.info.kind, error)

	def _is_forgiven(self, task: Task) -> bool:
		"""Whether the job goes on without a task's results: a node that it feeds takes what was skipped."""
		if self._forgiven is None:
			waiting = [step for step in self._plan.steps.values() if step.spec.info.takes_skips]
			found: set[NodeId] = set()
			while waiting:
				step = waiting.pop()
				fresh = {*step.upstream, *step.lazy} - found
				found |= fresh
				waiting.extend(self._planner.steps[node] for node in fresh)
			self._forgiven = frozenset(found)
		return self._planner.live.real(task.node) in self._forgiven

	def _pass_over(self, task: Task, failure: NodeFailed) -> None:
		"""A task has failed, and the job goes on: whatever reads it gets a skipped value with the reason."""
		step = task.step
		skip = Skip(str(failure), told=True)
		self._publish(
			NodeBlocked(job=self._job.id, node=step.node, kind=step.spec.info.kind, message=str(failure.cause))
		)
		with self._changed:
			self._board.complete(task, Entry(tuple((skip,) for _ in step.spec.info.outputs)))
			if not self._board.left:
				self._wake()

	def _complete(self, task: Task, entry: Entry, why: Why, *, ran: bool) -> None:
		"""A task has its results: tell it, then let those go on that waited."""
		step = task.step
		kind = step.spec.info.kind
		self.records[step.node] = Record(step, ran, why, entry.seconds, task.trace)
		seconds = task.seconds if ran else 0.0
		self._publish(
			NodeFinished(
				job=self._job.id, node=step.node, kind=kind, seconds=seconds, cached=not ran, ui=entry.ui, why=why
			)
		)
		with self._changed:
			self.finished.append(step.node)
			self._board.complete(task, entry)
			if not self._board.left:
				self._wake()

	def _tell_again(self, step: Step, entry: Entry) -> None:
		"""A cached sink has its results, and shows what it showed."""
		self.records[step.node] = Record(step, False, CACHED, entry.seconds)
		self.finished.append(step.node)
		kind = step.spec.info.kind
		self._publish(
			NodeFinished(job=self._job.id, node=step.node, kind=kind, seconds=0.0, cached=True, ui=entry.ui, why=CACHED)
		)

	def _publish(self, event: AnyEvent) -> None:
		"""Tell an event, one thread at a time; now and then followed by how far the job has come."""
		with self._publishing:
			self._tools.publish(event)
			match event:
				case NodeStarted():
					self._progress.start(event.node, event.kind)
				case NodeProgress():
					self._progress.tick(event.node, event.done, event.total)
				case NodeFinished():
					self._progress.finish(event.node, event.kind)
				case _:
					return
			due = self._progress.due()
			if due is not None:
				self._tools.publish(due)
