"""`lumengraph graph`: a workflow as a drawing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from server.cli_flags import settings_from


def add_graph_command(parser: argparse.ArgumentParser, source: str) -> None:
	"""The grammar of `graph`."""
	parser.add_argument('file', metavar='FILE', help=source)
	parser.add_argument(
		'--form',
		choices=('text', 'svg'),
		help='trees of text, or a picture (default: as the ending of --output says, or text)',
	)
	parser.add_argument(
		'--output', dest='written', type=Path, metavar='FILE', help='write it there instead of to standard output'
	)
	parser.set_defaults(command=_graph)


def _graph(options: argparse.Namespace) -> int:
	from contextlib import closing

	from engine.drawing import draw_svg
	from engine.outline import draw_text
	from engine.runner import Runner
	from server.cli_convert import tell_doubts
	from server.cli_source import find_workflow

	settings = settings_from(options)
	with closing(Runner(settings, lambda event: None)) as runner:
		nodes = runner.kit.nodes.infos
		workflow = find_workflow(options.file, settings, nodes)
	tell_doubts(workflow)
	ending = options.written.suffix.lower() if options.written is not None else ''
	draw = draw_svg if (options.form or ('svg' if ending == '.svg' else 'text')) == 'svg' else draw_text
	drawn = draw(workflow.graph, nodes)
	if options.written is None:
		sys.stdout.write(drawn)
	else:
		write_out(options.written, drawn.encode())
	return 0


def write_out(path: Path, content: bytes) -> None:
	"""Write a file that a command was asked for. Raises `BadDocument` if it cannot be written."""
	from engine.errors import BadDocument

	try:
		path.write_bytes(content)
	except OSError as error:
		raise BadDocument(f'The file cannot be written: {error.strerror}.', where=str(path)) from error
