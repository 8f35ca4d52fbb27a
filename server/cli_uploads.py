"""Which local files a workflow names, for a server that does not have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.declaration import NodeInfo
from engine.errors import EngineError
from engine.files import Files
from engine.formats.workflow import Workflow
from engine.namedfiles import named_files
from engine.settings import Settings


def local_inputs(
	workflow: Workflow, nodes: Mapping[str, NodeInfo], settings: Settings, source: str
) -> Iterator[tuple[str, Path]]:
	"""Those that lie here: as a path, beside the workflow file, or in the input folder. The others may lie at the server."""
	files = Files(settings)
	for file in named_files(workflow.graph, nodes):
		if file.folder != 'input' or file.is_model:
			continue
		beside = Path(source).parent / file.name
		found = next((path for path in (Path(file.name), beside) if path.is_file()), None)
		if found is None:
			try:
				found = files.find(file.name)
			except EngineError:
				continue
		yield f'{file.node}.{file.input}', found
