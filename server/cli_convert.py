"""`lumengraph convert`: a workflow file from one form into another."""

from __future__ import annotations

import sys
from contextlib import closing

from engine.formats.convert import converted
from engine.formats.workflow import Form, Workflow
from engine.formats.writing import pretty
from engine.runner import Runner
from engine.settings import Settings
from server.cli_source import find_workflow


def convert_file(source: str, to: Form, settings: Settings) -> int:
	"""Print a workflow in another form; gives the exit code. Raises `BadDocument` if there is none."""
	with closing(Runner(settings, lambda event: None)) as runner:
		nodes = runner.kit.nodes.infos
		workflow = find_workflow(source, settings, nodes)
		document = converted(workflow, to, nodes)
	tell_doubts(workflow)
	sys.stdout.write(pretty(document) + '\n')
	return 0


def tell_doubts(workflow: Workflow) -> None:
	"""Say on standard error what of a workflow had to be left out or guessed, and which packs it lacks."""
	for line in (*workflow.warnings, *(missing.sentence for missing in workflow.missing)):
		print(f'warning: {line}', file=sys.stderr)
