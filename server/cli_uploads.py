"""Which local files a workflow names, for a server that does not have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.declaration import Choice, NodeInfo
from engine.errors import EngineError
from engine.files import Files, annotated
from engine.formats.workflow import Workflow
from engine.graph import Constant
from engine.settings import Settings

FROM_INPUT = 'input:'


def named_inputs(workflow: Workflow, nodes: Mapping[str, NodeInfo]) -> Iterator[tuple[str, str]]:
	"""The files of the input folder that a workflow names: NODE.INPUT, and the name there."""
	for node, call in workflow.graph.calls.items():
		for item in nodes[call.kind].inputs if call.kind in nodes else ():
			given = call.inputs.get(item.name)
			if (
				isinstance(item.widget, Choice)
				and item.widget.files_from.startswith(FROM_INPUT)
				and isinstance(given, Constant)
				and isinstance(given.value, str)
			):
				yield f'{node}.{item.name}', given.value


def local_inputs(
	workflow: Workflow, nodes: Mapping[str, NodeInfo], settings: Settings, source: str
) -> Iterator[tuple[str, Path]]:
	"""Those that lie here: as a path, beside the workflow file, or in the input folder. The others may lie at the server."""
	files = Files(settings)
	for place, name in named_inputs(workflow, nodes):
		plain, folder = annotated(name)
		if folder != 'input':
			continue
		beside = Path(source).parent / plain
		found = next((path for path in (Path(plain), beside) if path.is_file()), None)
		if found is None:
			try:
				found = files.find(plain)
			except EngineError:
				continue
		yield place, found
