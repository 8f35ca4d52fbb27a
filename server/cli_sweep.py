"""What `--sweep` says: an input of the workflow, and the values that it is to have one after the other."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from engine.axes import Range, Values, misfits_of_range
from engine.declaration import NodeInfo
from engine.errors import BadDocument
from engine.formats.workflow import Workflow, parse_json
from server.cli_values import as_value

SPAN = re.compile(r'(?P<start>[-+.\deE]+)\.\.(?P<to>[-+.\deE]+)(/(?P<steps>\d+))?', re.ASCII)


def axes_of(workflow: Workflow, nodes: Mapping[str, NodeInfo], sweeps: Sequence[str]) -> dict[str, Values]:
	"""`NAME=1,2,3`, `NAME=FROM..TO/STEPS` or `NAME=[JSON, …]` each. Raises `BadDocument` for what is none of them."""
	found: dict[str, Values] = {}
	for text in sweeps:
		name, equals, given = text.partition('=')
		if not equals or not given:
			raise BadDocument(f'--sweep wants NAME=VALUE,VALUE,… or NAME=FROM..TO/STEPS, got {text!r}.')
		if name in found:
			raise BadDocument(f'--sweep {name} is given twice.')
		found[name] = _values(workflow, nodes, name, given)
	return found


def _values(workflow: Workflow, nodes: Mapping[str, NodeInfo], name: str, text: str) -> Values:
	if span := SPAN.fullmatch(text):
		if span['steps'] is None:
			raise BadDocument(f'--sweep {name}: {text!r} does not say how many values: write {text}/STEPS.')
		try:
			return Range.model_validate({'from': span['start'], 'to': span['to'], 'steps': span['steps']})
		except ValidationError as error:
			raise BadDocument(f'--sweep {name}: {text!r} is no range of numbers: {misfits_of_range(error)}.') from error
	if text.startswith('['):
		listed = parse_json(text, where=f'--sweep {name}')
		if isinstance(listed, list):
			return listed
	try:
		each = next(csv.reader([text], skipinitialspace=True))
	except csv.Error as error:
		raise BadDocument(
			f'--sweep {name}: {text!r} cannot be taken apart ({error}). Values with commas or line breaks stand in '
			'double quotes.'
		) from error
	return [as_value(workflow, nodes, name, one) for one in each]
