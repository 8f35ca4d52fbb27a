"""Runs anew what a picture carries, and compares the pixels."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

from PIL import Image
from pydantic_core import to_json

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.declaration import Model
from engine.errors import EngineError, InvalidGraph
from engine.events import AnyEvent, Failure, NodeFinished, SavedFile
from engine.formats.embedded import embedded
from engine.formats.prompt import write_prompt
from engine.formats.workflow import Workflow, open_workflow, parse_json, read_workflow
from engine.graph import Graph
from engine.likeness import Likeness, compare, frames_of
from engine.namedfiles import named_files
from engine.record import RecordChange, RunRecord, circumstances, contents, record_in
from engine.recorder import root_of
from engine.runner import Runner
from engine.settings import Settings

Verdict = Literal['exact', 'alike', 'differs', 'failed', 'cancelled']
TOLERANCE = 0.95


class Verification(Model):
	"""What came of it.

	`exact`: some picture of the new run has the very same pixels. `alike`: the circumstances are others (or none were
	recorded), and the nearest picture is as similar as `tolerance` wants. Under the same circumstances only `exact` will do.
	`likeness` is null if the run made no picture of that size. `changes` tells circumstances that are others, `files` the
	models and inputs with other content; `recorded` whether the picture tells its circumstances.
	"""

	verdict: Verdict
	recorded: bool
	tolerance: float
	likeness: Likeness | None = None
	changes: tuple[RecordChange, ...] = ()
	files: tuple[RecordChange, ...] = ()
	failure: Failure | None = None

	@property
	def holds(self) -> bool:
		"""Whether the picture came out again."""
		return self.verdict in ('exact', 'alike')


def verify(
	picture: Path,
	settings: Settings,
	*,
	tolerance: float = TOLERANCE,
	cancel: CancelToken | None = None,
	publish: Callable[[AnyEvent], None] = lambda event: None,
) -> Verification:
	"""Run what a picture carries, with nothing from the cache, in folders that are gone afterwards.

	Precision is as recorded, unless the settings ask for the exact one. Raises `BadDocument` for a file that carries no workflow
	or is no picture, and `InvalidGraph` if its workflow cannot be run here.
	"""
	original = frames_of(picture)
	before = record_in(embedded(picture) or {})
	saved: list[SavedFile] = []

	def hear(event: AnyEvent) -> None:
		if isinstance(event, NodeFinished) and event.ui is not None:
			saved.extend(event.ui.files)
		publish(event)

	with tempfile.TemporaryDirectory(prefix='lumengraph-verify-') as name:
		scratch = settings.model_copy(
			update={
				'output': Path(name) / 'output',
				'temp': Path(name) / 'temp',
				'cache': Path(name) / 'cache',
				'cache_mode': 'none',
				'disk_bytes': 0,
				'metadata': False,
				'precision': before.precision if before is not None and not settings.exact else settings.precision,
			}
		)
		with closing(Runner(scratch, hear)) as runner:
			workflow = workflow_of(picture, runner)
			bring_along(workflow.graph, runner, settings)
			checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
			if checked.problems:
				raise InvalidGraph(workflow.with_hints(checked.problems))
			now = runner.record(checked.graph)
			job = JobInfo(str(uuid.uuid4()), prompt_json=to_json(write_prompt(checked.graph)).decode())
			outcome = runner.run(checked.graph, checked.sinks, job, cancel or CancelToken())
			if outcome.state != 'succeeded':
				verdict: Verdict = 'failed' if outcome.state == 'failed' else 'cancelled'
				found = Verification(
					verdict=verdict, recorded=before is not None, tolerance=tolerance, failure=outcome.failure
				)
			else:
				likeness = nearest(original, [runner.storage.files.saved(file) for file in saved])
				found = judged(likeness, before, now, tolerance)
	return found


def workflow_of(picture: Path, runner: Runner) -> Workflow:
	"""The workflow that made a picture: the graph as it was run, if it is carried; else what the editor saved."""
	nodes = runner.kit.nodes.infos
	texts = embedded(picture) or {}
	if 'prompt' in texts:
		try:
			return read_workflow(parse_json(texts['prompt'], where=str(picture)), nodes)
		except EngineError:
			pass  # Something else among the texts may be better.
	return open_workflow(picture, nodes)


def bring_along(graph: Graph, runner: Runner, settings: Settings) -> None:
	"""Copy files that a graph reads from the output and temp folders to where they are looked for now."""
	roots = {'output': settings.output_folder, 'temp': settings.temp_folder}
	for file in named_files(graph, runner.kit.nodes.infos):
		if not file.is_model and file.folder in roots:
			source, target = roots[file.folder] / file.name, runner.storage.files.path(file.name, root_of(file.folder))
			if source.resolve().is_relative_to(roots[file.folder].resolve()) and source.is_file():
				target.parent.mkdir(parents=True, exist_ok=True)
				shutil.copyfile(source, target)


def nearest(original: list[Image.Image], candidates: list[Path]) -> Likeness | None:
	"""How like the original the candidate is that is most so; None if none has its size."""
	found: Likeness | None = None
	for path in candidates:
		try:
			likeness = compare(original, frames_of(path))
		except EngineError:
			continue  # Nodes show other files than pictures too.
		if likeness is not None and (found is None or _rank(likeness) > _rank(found)):
			found = likeness
	return found


def _rank(likeness: Likeness) -> tuple[bool, float, float]:
	return likeness.exact, likeness.ssim, -likeness.mean


def judged(likeness: Likeness | None, before: RunRecord | None, now: RunRecord, tolerance: float) -> Verification:
	"""The verdict on the nearest picture."""
	changes = tuple(circumstances(before, now)) if before is not None else ()
	files = tuple(contents(before, now)) if before is not None else ()
	verdict: Verdict = 'differs'
	if likeness is not None and likeness.exact:
		verdict = 'exact'
	elif likeness is not None and (changes or before is None) and likeness.ssim >= tolerance:
		verdict = 'alike'
	return Verification(
		verdict=verdict,
		recorded=before is not None,
		tolerance=tolerance,
		likeness=likeness,
		changes=changes,
		files=files,
	)
