"""Why a step ran: what it was given now, compared with the last time that a node of its id and kind was planned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from engine.events import Given, InputChange, Why
from engine.graph import Constant, Link, NodeId
from engine.plan import Step
from engine.report import InputTrace, StepReport

FIRST_TIME = Why(code='first_time')
SHOWN = 60
SHOWN_CHANGES = 4


@dataclass(slots=True)
class Trace:
	"""What a step was made of. Nobody changes it."""

	key: str
	version: str
	fingerprint: str
	inputs: dict[str, InputTrace]

	@classmethod
	def of_step(cls, step: Step, steps: Mapping[NodeId, Step]) -> Trace:
		"""The trace of a step; `steps` has its upstream."""
		inputs: dict[str, InputTrace] = {}
		for name, value in step.inputs.items():
			if isinstance(value, Link):
				inputs[name] = InputTrace(None, steps[value.node].key, value.node, value.output)
			elif isinstance(value, Constant):
				inputs[name] = _constant(value.value)
			else:
				inputs[name] = InputTrace(constant=f'<{type(value.value).__name__}>')
		return cls(step.key, _version(step), step.fingerprint if step.cacheable else '', inputs)

	@classmethod
	def of_report(cls, report: StepReport) -> Trace:
		"""The trace that a report kept."""
		return cls(report.key, report.version, report.fingerprint, report.inputs)


def why_ran(step: Step, now: Trace, before: Trace | None, untold: Collection[NodeId] = ()) -> Why:
	"""The reason for which a step's function is called. `untold` are nodes it reads through expansions, unknown to its key."""
	if not step.cacheable:
		if step.spec.info.caching == 'never':
			return Why(code='not_cacheable', cause='kind', text='its kind is never cached')
		return Why(code='not_cacheable', cause='fingerprint', text='its fingerprint is never the same')
	if before is None:
		return FIRST_TIME
	if before.key == now.key and untold:
		nodes = tuple(sorted(untold))
		text = f'an expansion takes what comes from {", ".join(nodes)}, to which it is not linked itself'
		return Why(code='not_cacheable', cause='expansion', nodes=nodes, text=text)
	if before.key == now.key:
		return Why(code='evicted', cause='dropped', text='its result is no longer in the cache')
	if before.version != now.version:
		text = f'version {before.version} became {now.version}'
		return Why(code='version_changed', versions=(before.version, now.version), text=text)
	names = now.inputs if now.inputs.keys() == before.inputs.keys() else dict.fromkeys((*now.inputs, *before.inputs))
	changes = [
		change for name in names if (change := _change(name, before.inputs.get(name), now.inputs.get(name))) is not None
	]
	if changes:
		told, more = tuple(changes[:SHOWN_CHANGES]), max(0, len(changes) - SHOWN_CHANGES)
		text = '; '.join(_in_words(change) for change in told) + (f' and {more} more' if more else '')
		return Why(code='input_changed', changes=told, more=more, text=text)
	if before.fingerprint != now.fingerprint:
		return Why(code='fingerprint_changed', text='what it reads outside the graph is another')
	sources = dict.fromkeys(
		link.source
		for name, link in now.inputs.items()
		if link.source is not None and link.digest != before.inputs[name].digest
	)
	if sources:
		return Why(code='upstream_changed', nodes=tuple(sources), text=f'upstream {", ".join(sources)} changed')
	return Why(code='evicted', cause='settings', text='its result was kept under other settings')


def _constant(value: JsonValue) -> InputTrace:
	if type(value) is int or type(value) is float:
		return InputTrace(constant=repr(value))
	text = json.dumps(value, ensure_ascii=False)
	if len(text) <= SHOWN:
		return InputTrace(constant=text)
	digest = hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()
	return InputTrace(constant=f'{text[: SHOWN - 1]}…', digest=digest)


def _change(name: str, before: InputTrace | None, now: InputTrace | None) -> InputChange | None:
	"""How an input differs; None if it does not, but for what comes in by the same link."""
	if before is not None and now is not None:
		if now.source is None and before.source is None:
			same = now.constant == before.constant and now.digest == before.digest
		else:
			same = now.source == before.source and now.output == before.output
		if same:
			return None
	return InputChange(input=name, before=_given(before), after=_given(now))


def _given(trace: InputTrace | None) -> Given | None:
	return None if trace is None else Given(constant=trace.constant, node=trace.source, output=trace.output)


def _in_words(change: InputChange) -> str:
	if change.after is None:
		return f'input {change.input!r} is no longer given'
	if change.before is None:
		return f'input {change.input!r} is now given: {_shown(change.after)}'
	return f'input {change.input!r} changed from {_shown(change.before)} to {_shown(change.after)}'


def _shown(given: Given) -> str:
	return f'output {given.output} of {given.node}' if given.node is not None else given.constant or ''


def _version(step: Step) -> str:
	code = step.spec.info.code
	return f'{step.spec.info.version}+{code[:12]}' if code else step.spec.info.version
