"""Why a step ran: what it was given now, compared with the last time that a node of its id and kind was planned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from engine.events import Why
from engine.graph import Constant, Link, NodeId
from engine.plan import Step
from engine.report import InputTrace, StepReport

SHOWN = 60
SHOWN_CHANGES = 4


@dataclass(frozen=True, slots=True)
class Trace:
	"""What a step was made of."""

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
				source = steps[value.node]
				inputs[name] = InputTrace(source=value.node, output=value.output, digest=source.key)
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
		caching = step.spec.info.caching
		return Why(
			code='not_cacheable',
			text='its kind is never cached' if caching == 'never' else 'its fingerprint is never the same',
		)
	if before is None:
		return Why(code='first_time')
	if before.key == now.key and untold:
		text = f'an expansion takes what comes from {", ".join(sorted(untold))}, to which it is not linked itself'
		return Why(code='not_cacheable', text=text)
	if before.key == now.key:
		return Why(code='evicted', text='its result is no longer in the cache')
	if before.version != now.version:
		return Why(code='version_changed', text=f'version {before.version} became {now.version}')
	changes = [
		change
		for name in dict.fromkeys((*now.inputs, *before.inputs))
		if (change := _change(name, before.inputs.get(name), now.inputs.get(name)))
	]
	if changes:
		more = f' and {len(changes) - SHOWN_CHANGES} more' if len(changes) > SHOWN_CHANGES else ''
		return Why(code='input_changed', text='; '.join(changes[:SHOWN_CHANGES]) + more)
	if before.fingerprint != now.fingerprint:
		return Why(code='fingerprint_changed', text='what it reads outside the graph is another')
	sources = [
		link.source
		for name, link in now.inputs.items()
		if link.source is not None and link.digest != before.inputs[name].digest
	]
	if sources:
		return Why(code='upstream_changed', text=f'upstream {", ".join(dict.fromkeys(sources))} changed')
	return Why(code='evicted', text='its result was kept under other settings')


def _constant(value: JsonValue) -> InputTrace:
	if type(value) is int or type(value) is float:
		return InputTrace(constant=repr(value))
	text = json.dumps(value, ensure_ascii=False)
	if len(text) <= SHOWN:
		return InputTrace(constant=text)
	digest = hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()
	return InputTrace(constant=f'{text[: SHOWN - 1]}…', digest=digest)


def _change(name: str, before: InputTrace | None, now: InputTrace | None) -> str:
	"""How an input differs, in words; empty if it does not, but for what comes in by the same link."""
	if now is None:
		return f'input {name!r} is no longer given'
	if before is None:
		return f'input {name!r} is now given: {_shown(now)}'
	if now.source is None and before.source is None:
		same = now.constant == before.constant and now.digest == before.digest
	else:
		same = (now.source, now.output) == (before.source, before.output)
	return '' if same else f'input {name!r} changed from {_shown(before)} to {_shown(now)}'


def _shown(trace: InputTrace) -> str:
	return f'output {trace.output} of {trace.source}' if trace.source is not None else trace.constant or ''


def _version(step: Step) -> str:
	code = step.spec.info.code
	return f'{step.spec.info.version}+{code[:12]}' if code else step.spec.info.version
