"""Runs jobs: plans a graph, runs what is pending, keeps the results, says why each node ran, and how it ended."""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import JsonValue

from engine.attempt import Tools
from engine.cache import Items
from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.errors import Cancelled, DependencyCycle, NodeFailed
from engine.estimate import Timings
from engine.events import Failure, JobFinished, Why
from engine.graph import Graph, NodeId
from engine.live import LiveGraph
from engine.plan import Plan, Planner, Step
from engine.registry import Registry
from engine.report import Reports, RunReport, StepReport
from engine.run import Run
from engine.why import Trace, why_ran

log = logging.getLogger(__name__)

SHOWN = 300
Foreseen = Literal['cached', 'runs', 'asked', 'spared']
REMEMBERED_RUNS = 30
REMEMBERED_GRAPHS = 8


class Executor:
	"""Runs one job at a time with one set of tools. Remembers how each node looked when it was last planned."""

	def __init__(self, tools: Tools, registry: Registry, reports: Reports | None = None, *, profile: str = '') -> None:
		self._tools = tools
		self._registry = registry
		self._reports = reports
		self._profile = profile
		self._traces: dict[tuple[NodeId, str], Trace | tuple[Step, Mapping[NodeId, Step]]] | None = None
		self._last: tuple[Planner, Run, float] | None = None
		self._planned: deque[tuple[Graph, Mapping[NodeId, Step]]] = deque(maxlen=REMEMBERED_GRAPHS)

	def run(self, graph: Graph, sinks: Collection[NodeId], job: JobInfo, cancel: CancelToken) -> JobFinished:
		"""Run a checked graph for these sinks; gives the outcome, which is not published yet. Raises nothing."""
		began = time.perf_counter()
		planner = self.planner(graph)
		run: Run | None = None
		try:
			plan = planner.plan(sinks)
			self._keep(graph, plan)
			self._tools.cache.begin([step.key for step in plan.steps.values()], plan.steps)
			run = Run(self._tools, planner, plan, job, cancel, self._before)
			run.go()
			outcome = JobFinished(job=job.id, state='succeeded', executed=tuple(run.finished))
		except Cancelled:
			outcome = _cancelled(job, run)
		except DependencyCycle as error:
			outcome = failed(job.id, NodeFailed(error.node, error.kind, error))
		except NodeFailed as error:
			executed = () if run is None else tuple(run.finished)
			outcome = failed(job.id, error, executed=executed, inputs={} if run is None else _shown_inputs(run))
		except Exception as error:
			# A fault of the engine's own: the job is lost, the process need not be.
			log.exception('Job %s could not be run.', job.id)
			outcome = failed(job.id, NodeFailed('', '', error))
		finally:
			self._tools.cache.finish()
		self._last = None if run is None else (planner, run, time.perf_counter() - began)
		return outcome

	def report(self, outcome: JobFinished) -> None:
		"""Keep why each node of the last run ran, and how it looked. After its end is told: nobody waits for it."""
		if self._last is None:
			return
		planner, run, seconds = self._last
		self._last = None
		self._remember(planner, run, outcome, seconds)

	def foresee(self, graph: Graph, sinks: Collection[NodeId]) -> dict[NodeId, tuple[Foreseen, Why | None]]:
		"""What a run would do with each node, and why, as far as it is known beforehand. Raises `NodeFailed`.

		A node that `runs` may still be spared: what it is given may turn out to be what it was given before.
		"""
		plan = self.planner(graph).plan(sinks)
		cached = {step.node for step in plan.steps.values() if step.cacheable and step.key in self._tools.cache}
		keys = {plan.steps[node].key for node in cached}
		pending = {step.node for step in plan.pending(keys.__contains__)}
		asked: set[NodeId] = set()
		waiting = [node for pended in pending for node in plan.steps[pended].lazy]
		while waiting:
			node = waiting.pop()
			if node not in asked and node not in cached and node not in pending:
				asked.add(node)
				waiting += (*plan.steps[node].upstream, *plan.steps[node].lazy)
		found: dict[NodeId, tuple[Foreseen, Why | None]] = {}
		for node, step in plan.steps.items():
			if node in pending:
				found[node] = 'runs', why_ran(step, Trace.of_step(step, plan.steps), self._before(step))
			elif node in cached:
				found[node] = 'cached', Why(code='cached')
			else:
				found[node] = 'asked' if node in asked else 'spared', None
		return found

	@property
	def timings(self) -> Timings:
		"""How long calls took."""
		return self._tools.timings

	def planner(self, graph: Graph) -> Planner:
		"""A planner for a graph, with this executor's registry and profile."""
		earlier = next((steps for known, steps in self._planned if known is graph), {})
		return Planner(LiveGraph(graph), self._registry, self._tools.storage, profile=self._profile, earlier=earlier)

	def _keep(self, graph: Graph, plan: Plan) -> None:
		"""Remember the steps of a graph, without those that come in by its expansions: they hold live values."""
		for known in [known for known in self._planned if known[0] is graph]:
			self._planned.remove(known)
		self._planned.append((graph, dict(plan.steps)))

	def _before(self, step: Step) -> Trace | None:
		"""How a node of this id and kind looked when it was last planned."""
		if self._traces is None:
			self._traces = self._remembered()
		found = self._traces.get((step.node, step.spec.info.kind))
		if isinstance(found, tuple):
			return Trace.of_step(*found)
		return found

	def _remembered(self) -> dict[tuple[NodeId, str], Trace | tuple[Step, Mapping[NodeId, Step]]]:
		traces: dict[tuple[NodeId, str], Trace | tuple[Step, Mapping[NodeId, Step]]] = {}
		for report in self._reports.newest(REMEMBERED_RUNS) if self._reports is not None else ():
			for step in report.steps:
				# A step that was cached is told without its inputs; an older report may have them.
				known = traces.get((NodeId(step.node), step.kind))
				if known is None and (step.ran or step.inputs):
					traces[NodeId(step.node), step.kind] = Trace.of_report(step)
		return traces

	def _remember(self, planner: Planner, run: Run, outcome: JobFinished, seconds: float) -> None:
		"""Keep why each node ran, and how it looked."""
		if self._traces is None:
			self._traces = self._remembered()
		reports: list[StepReport] = []
		for node, record in run.records.items():
			kind = record.step.spec.info.kind
			trace = record.trace
			self._traces[node, kind] = (record.step, planner.steps) if trace is None else trace
			if self._reports is not None:
				reports.append(
					StepReport(
						node=node,
						kind=kind,
						ran=record.ran,
						why=record.why,
						seconds=round(record.seconds, 6),
						key=record.step.key,
						version='' if trace is None else trace.version,
						fingerprint='' if trace is None else trace.fingerprint,
						inputs={} if trace is None else trace.inputs,
					)
				)
		if self._reports is not None:
			self._reports.save(
				RunReport.model_construct(
					job=outcome.job,
					at=time.time(),
					state=outcome.state,
					seconds=round(seconds, 6),
					steps=tuple(reports),
				)
			)


def _cancelled(job: JobInfo, run: Run | None) -> JobFinished:
	at = None if run is None else run.stopped_at
	return JobFinished(
		job=job.id,
		state='cancelled',
		node=at.node if at else None,
		kind=at.spec.info.kind if at else '',
		executed=() if run is None else tuple(run.finished),
	)


def _shown_inputs(run: Run) -> dict[str, JsonValue]:
	"""What the failed step was given, short enough to be told."""
	given: Mapping[str, Items] = run.inputs_of_failure()
	return {name: [described(item) for item in items] for name, items in given.items()}


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
