"""A workflow as Python code: calls place nodes, what they give feeds other nodes, and the whole runs or is saved.

	flow = Workflow('A star')
	model, clip, vae = flow.CheckpointLoaderSimple(ckpt_name='lumen-demo.safetensors')
	latent = flow.KSampler(
		model=model,
		positive=flow.CLIPTextEncode(clip=clip, text=flow.input('prompt', 'a red star')),
		negative=flow.CLIPTextEncode(clip=clip, text=''),
		latent_image=flow.EmptyLatentImage(width=128, height=128),
	)
	flow.output('picture', flow.SaveImage(images=flow.VAEDecode(samples=latent, vae=vae)))
	flow.run(prompt='a blue circle')['picture'][0].show()

Inputs that are not given have their defaults. `lumengraph stubs` writes types for every installed kind, so that editors
complete and mypy checks what goes where.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import JsonValue

from engine.axes import axes_from
from engine.cancel import CancelToken
from engine.code.building import Building
from engine.code.drawn import drawn_document, write_file
from engine.code.handles import Handle
from engine.code.results import Result, SweepResult
from engine.code.session import Listener, Session
from engine.declaration import NodeInfo
from engine.drawing import draw_svg
from engine.errors import BadDocument
from engine.formats.document import NamedOutput
from engine.formats.dynamic import chosen_graph
from engine.formats.interface import interface_of
from engine.formats.workflow import Workflow as Opened
from engine.formats.workflow import open_workflow, read_workflow
from engine.graph import Graph, Link, NodeId
from engine.prefixes import with_prefixes
from engine.sweep import sweep


class BaseWorkflow(Building):
	"""All that a workflow can do but place nodes by their kinds' names, which the generated types have one by one."""

	def _output_links(self, opened: Opened) -> dict[str, Link]:
		"""What the named outputs stand for, but those that are what a node saves or shows.

		Raises `BadDocument` for an output that its node does not have.
		"""
		found: dict[str, Link] = {}
		for name, named in opened.outputs.items():
			node = NodeId(named.node)
			call = opened.graph.calls.get(node)
			info = self.session.nodes.get(call.kind) if call is not None else None
			if named.output is not None and (named.node, named.output) in opened.sources:
				# At an instance of a subgraph what gives it inside is meant.
				source = opened.sources[named.node, named.output]
				if source is not None:
					found[name] = source
			# Of a kind that is not installed the checker tells; a node that is switched off gives nothing.
			elif named.output is not None and info is not None:
				found[name] = Link(node, _output_index(name, named, info))
		return found

	def run(
		self,
		*wanted: Handle[Any],
		_cancel: CancelToken | None = None,
		_listener: Listener | None = None,
		_prompt_seed: int | None = None,
		**inputs: Any,
	) -> Result:
		"""Run it here, with values for its named inputs.

		For the outputs that are `wanted`, or for all nodes that save or show something and all named outputs. `_listener`
		hears every event. Of dynamic prompts in a file of ComfyUI's editor one variant is run: by chance, or the one that
		`lumengraph run --seed` chooses with `_prompt_seed`; seeds of nodes stay. Raises `BadDocument` for a named output that
		is not there, `WrongInputs`, `InvalidGraph`, `RunFailed`, and `JobCancelled` if `_cancel` was.
		"""
		opened = self._with_values(inputs)
		links = {} if wanted else self._output_links(opened)
		asked = [*(handle.link for handle in wanted), *links.values()]
		result = Result(
			session=self.session,
			outcome=self.session.run(
				with_prefixes(self._chosen(opened, _prompt_seed), self.session.nodes),
				values=asked,
				targets=() if wanted else None,
				beside={'lumengraph': drawn_document(opened, self.session.nodes)},
				tolerant=opened.tolerant,
				cancel=_cancel,
				listener=_listener,
			),
			outputs=opened.outputs,
			links=links,
			sockets=self._sockets(asked),
		)
		result.raise_failure()
		return result

	async def run_async(
		self,
		*wanted: Handle[Any],
		_listener: Listener | None = None,
		_prompt_seed: int | None = None,
		**inputs: Any,
	) -> Result:
		"""As `run`, in a thread; cancelling the task stops the run."""
		cancel = CancelToken()
		try:
			return await asyncio.to_thread(
				self.run, *wanted, _cancel=cancel, _listener=_listener, _prompt_seed=_prompt_seed, **inputs
			)
		except asyncio.CancelledError:
			cancel.cancel()
			raise

	def sweep(
		self,
		axes: Mapping[str, object] | None = None,
		/,
		*,
		_cancel: CancelToken | None = None,
		_listener: Listener | None = None,
		_prompt_seed: int | None = None,
		**named: object,
	) -> SweepResult:
		"""Run it for every combination of values: a list for each input, or `{'from': 1, 'to': 8, 'steps': 8}`.

		What combinations share runs once; all have the same variants of dynamic prompts, chosen as by `run`. Inputs that have
		no name are swept as `{'sample.cfg': [1, 2]}`. Raises as `run` does, but for `RunFailed`: what failed is told by the
		result. More than 100 combinations are refused with `WrongInputs`.
		"""
		opened = self._as_opened()
		chosen = replace(opened, graph=self._chosen(opened, _prompt_seed))
		swept = sweep(chosen, axes_from({**(axes or {}), **named}), self.session.nodes, self.session.storage)
		outcome = self.session.run(
			with_prefixes(swept.graph, self.session.nodes),
			beside=swept.beside({'lumengraph': drawn_document(opened, self.session.nodes)}),
			tolerant=opened.tolerant,
			cancel=_cancel,
			listener=_listener,
		)
		return SweepResult(Result(self.session, outcome, {}, {}, {}), swept.table)

	async def sweep_async(
		self,
		axes: Mapping[str, object] | None = None,
		/,
		*,
		_listener: Listener | None = None,
		_prompt_seed: int | None = None,
		**named: object,
	) -> SweepResult:
		"""As `sweep`, in a thread; cancelling the task stops the run."""
		cancel = CancelToken()
		try:
			return await asyncio.to_thread(
				lambda: self.sweep(axes, _cancel=cancel, _listener=_listener, _prompt_seed=_prompt_seed, **named)
			)
		except asyncio.CancelledError:
			cancel.cancel()
			raise

	def document(self) -> dict[str, JsonValue]:
		"""The native file, with nodes laid out from left to right where nobody has placed them."""
		return drawn_document(self._as_opened(), self.session.nodes)

	def save(self, path: str | Path) -> None:
		"""Write the native file."""
		write_file(Path(path), json.dumps(self.document(), indent='\t', ensure_ascii=False) + '\n')

	@classmethod
	def load(cls, source: str | Path | Mapping[str, JsonValue], *, session: Session | None = None) -> Self:
		"""Read a workflow: a file in any form, a picture that carries one, or a document. Raises `BadDocument`."""
		made = cls(session=session)
		nodes = made.session.nodes
		opened = (
			read_workflow(dict(source), nodes) if isinstance(source, Mapping) else open_workflow(Path(source), nodes)
		)
		made.title, made.description = opened.title, opened.description
		made._calls = dict(opened.graph.calls)
		made._inputs, made._outputs = dict(opened.inputs), dict(opened.outputs)
		made._opened = opened
		return made

	def _repr_svg_(self) -> str:
		"""The graph as a picture, for notebooks."""
		return draw_svg(self.graph, self.session.nodes)

	def _repr_html_(self) -> str:
		"""The graph as a picture that fits the page, for notebooks."""
		return f'<div style="max-width: 100%; overflow-x: auto">{self._repr_svg_()}</div>'

	def __repr__(self) -> str:
		named = f' {self.title!r}' if self.title else ''
		return f'<Workflow{named}: {len(self)} nodes, inputs: {", ".join(self._inputs) or "none"}>'

	def _with_values(self, inputs: Mapping[str, JsonValue]) -> Opened:
		opened = self._as_opened()
		accepted = interface_of(opened, self.session.nodes).accept(inputs, self.session.storage)
		return opened.with_values(accepted)

	def _chosen(self, opened: Opened, seed: int | None) -> Graph:
		"""The graph with one variant of each dynamic prompt; what is written into pictures keeps all of them."""
		# The command line has its seed as text, and a text is another seed than its number.
		source = random.Random(None if seed is None else str(seed))  # noqa: S311 - a seed is no secret
		return chosen_graph(opened, self.session.nodes, source)

	def _sockets(self, links: list[Link]) -> dict[Link, str]:
		return {
			link: self._info(self._calls[link.node].kind).outputs[link.output].type
			for link in links
			if link.node in self._calls
		}


def _output_index(name: str, named: NamedOutput, info: NodeInfo) -> int:
	"""The number of the output that a named output stands for. Raises `BadDocument` if its node does not have it."""
	names = [item.name for item in info.outputs]
	match named.output:
		case int() as index if 0 <= index < len(names):
			return index
		case str() as output if output in names:
			return names.index(output)
	raise BadDocument(
		f'The workflow output {name!r} points at output {named.output!r} of node {named.node!r} ({info.kind}), '
		f'which has {len(names)}: {", ".join(names) or "none"}.'
	)


class Workflow(BaseWorkflow):
	"""A workflow as code. Each installed kind of node is a method: `flow.KSampler(model=…, seed=3)`."""

	def __getattr__(self, kind: str) -> Callable[..., Any]:
		if kind.startswith('_'):
			raise AttributeError(kind)
		self._info(kind)
		return lambda **inputs: self.place(kind, **inputs)

	def __dir__(self) -> list[str]:
		return [*super().__dir__(), *self.session.nodes]
