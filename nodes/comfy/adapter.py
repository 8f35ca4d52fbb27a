"""A ComfyUI node class as a `NodeSpec`: the executor sees one of its own nodes, the class sees ComfyUI's executor.

The executor calls `NodeSpec.call` once per item, or once with lists where the class takes lists. Hidden inputs are added
here, values are brought over the border both ways, and everything runs on the node's own instance.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, cast

from engine.context import Context
from engine.declaration import NodeInfo
from engine.errors import NodeUsage
from engine.flow import Returned
from engine.spec import NodeSpec, Probe, ValidationRequest
from nodes.comfy import plain
from nodes.comfy.declare import declare
from nodes.comfy.hidden import hidden_values, probe_values
from nodes.comfy.instances import Instances
from nodes.comfy.results import returned
from nodes.comfy.running import Scope, Stepwise, inference, run_privately
from nodes.comfy.values import to_foreign

log = logging.getLogger(__name__)

# No class can have an input of this name by accident.
CONTEXT = 'lumengraph context'


class ForeignNode:
	"""One node class of a pack."""

	def __init__(
		self, kind: str, cls: type[Any], instances: Instances, *, title: str = '', origin: str = '', code: str = ''
	) -> None:
		self._cls = cls
		self._instances = instances
		self._title = title or kind
		self._code = code
		self._origin = origin
		self._kind = kind
		self.info = self.declare()

	def declare(self) -> NodeInfo:
		"""Ask the class for its declaration; it may list other things each time. Raises what the class raises."""
		self.info = declare(self._kind, self._cls, title=self._title, origin=self._origin, code=self._code)
		return self.info

	@property
	def spec(self) -> NodeSpec:
		"""The node as the executor takes it."""
		asks = self.info.has_lazy or hasattr(self._cls, 'check_lazy_status')
		return NodeSpec(
			self.info,
			self.call,
			CONTEXT,
			self.fingerprint if hasattr(self._cls, 'IS_CHANGED') else None,
			self.validate if self.info.validator is not None else None,
			self.wants if asks else None,
			is_async=inspect.iscoroutinefunction(getattr(self._cls, getattr(self._cls, 'FUNCTION', ''), None)),
		)

	def call(self, /, **arguments: object) -> Returned | Awaitable[Returned]:
		"""Call the node once; a coroutine of the result if its function is asynchronous. Raises what the node raises."""
		context = cast(Context, arguments.pop(CONTEXT))
		scope = Scope(context)
		with scope():
			name = getattr(self._cls, 'FUNCTION', None)
			function = getattr(self._instances.of(context, self._cls), name or '', None)
			if not callable(function):
				raise NodeUsage(f'{self._kind} has no function {name!r} to call.')
			result = function(**self._handed(arguments, context))
			if not inspect.isawaitable(result):
				return returned(result, self.info, context.node)
		return self._later(result, context, scope)

	async def _later(self, result: Awaitable[object], context: Context, scope: Scope) -> Returned:
		given = await Stepwise(result, scope)
		with scope():
			return returned(given, self.info, context.node)

	def wants(self, context: Context, arguments: Mapping[str, object]) -> tuple[str, ...]:
		"""The inputs that the node still needs, given what is there; None stands for what is not."""
		ask = getattr(self._instances.of(context, self._cls), 'check_lazy_status', None)
		if ask is None:
			return ()
		with Scope(context)():
			asked = _settled(ask(**self._handed(self._lists(arguments), context)))
		if isinstance(asked, str):
			return (asked,)
		return tuple(str(name) for name in asked if name is not None) if isinstance(asked, Iterable) else ()

	def fingerprint(self, probe: Probe) -> str | None:
		"""What `IS_CHANGED` tells, as text; None where it gives NaN or raises, so that the node runs each time."""
		try:
			with inference():
				told = _settled(self._cls.IS_CHANGED(**self._known(probe.node, probe.constants, probe.links)))
		except Exception as error:
			log.warning('IS_CHANGED of node %r (%s) failed, so it runs each time: %r', probe.node, self._kind, error)
			return None
		return plain.fingerprint(told)

	def validate(self, request: ValidationRequest) -> str | None:
		"""Why `VALIDATE_INPUTS` refuses the constants; None if it accepts them."""
		judge = self.info.validator
		if judge is None:
			return None
		known = self._known(request.node, request.constants, tuple(request.links))
		given = {name: value for name, value in known.items() if judge.covers(name)}
		if judge.types:
			given['input_types'] = [dict(request.links)] if self.info.input_is_list else dict(request.links)
		try:
			with inference():
				verdict = _settled(self._cls.VALIDATE_INPUTS(**given))
		except Exception as error:
			log.warning('VALIDATE_INPUTS of node %r (%s) failed.', request.node, self._kind, exc_info=True)
			return f'{self._kind} could not check its inputs: {type(error).__name__}: {error}'
		if verdict is True:
			return None
		return verdict if isinstance(verdict, str) and verdict else f'{self._kind} does not accept its inputs.'

	def _handed(self, arguments: Mapping[str, object], context: Context) -> dict[str, object]:
		"""A call's arguments in ComfyUI's form, with the hidden inputs."""
		given = {name: to_foreign(value) for name, value in arguments.items()}
		hidden = hidden_values(self.info.hidden, context, saves=self.info.sink)
		return given | (self._lists(hidden) if self.info.input_is_list else hidden)

	def _known(self, node: str, constants: Mapping[str, object], links: Iterable[str]) -> dict[str, object]:
		"""The arguments before anything runs: declared constants, None for links, and the hidden inputs."""
		declared = {*self.info.inputs_by_name, *self.info.unlisted}
		known: dict[str, object] = {
			name: value for name, value in constants.items() if name in declared or self.info.open_inputs == 'all'
		}
		known |= dict.fromkeys(links)
		known |= probe_values(self.info.hidden, node)
		return {name: [value] for name, value in known.items()} if self.info.input_is_list else known

	def _lists(self, arguments: Mapping[str, object]) -> dict[str, object]:
		"""Values that stand alone as lists of one, where the class takes lists."""
		if not self.info.input_is_list:
			return dict(arguments)
		return {name: value if isinstance(value, list | tuple) else [value] for name, value in arguments.items()}


def _settled(value: object) -> object:
	"""A value, or what comes of it if it has to be awaited."""
	return run_privately(value) if inspect.isawaitable(value) else value
