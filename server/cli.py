"""The commands behind main.py. Bad input ends with one message and exit code 2, a failed node with 1."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing

from engine.errors import EngineError
from server.cli_bundle import add_bundle_command
from server.cli_cache import add_cache_commands
from server.cli_codes import BAD_INPUT, FAILED, INTERRUPTED, OK, PIPE_CLOSED
from server.cli_diff import add_diff_command
from server.cli_explain import add_explain_command
from server.cli_flags import cache_flags, folder_flags, front_end_flags, history_flags, output_flags, settings_from
from server.cli_graph import add_graph_command
from server.cli_models import add_models_command
from server.cli_run import add_run_command
from server.cli_serve import add_serve_flags
from server.cli_source import SOURCE
from server.cli_stubs import add_stubs_command
from server.cli_token import add_token_commands
from server.cli_transfer import add_transfer_commands
from server.cli_unknown import exact, refuse_unknown
from server.cli_verify import add_verify_command
from server.cli_workers import add_worker_flags

COMMANDS = (
	'serve',
	'run',
	'check',
	'convert',
	'diff',
	'graph',
	'explain',
	'verify',
	'bundle',
	'stubs',
	'nodes',
	'models',
	'cache',
	'token',
	'export',
	'import',
)


def run_command(arguments: Sequence[str]) -> int:
	"""Run one command line; gives the exit code. Without a command it serves."""
	words = list(arguments)
	if not words or (words[0].startswith('-') and words[0] not in ('-h', '--help')):
		words.insert(0, 'serve')
	options, unknown = parser().parse_known_args(words)
	if unknown:
		refuse_unknown(options.grammar, unknown, COMMANDS if len(words) > len(arguments) else ())
	command: Callable[[argparse.Namespace], int] = options.command
	try:
		code = command(options)
		sys.stdout.flush()
	except EngineError as error:
		for line in str(error).splitlines():
			print(f'error: {line}', file=sys.stderr)
		return BAD_INPUT
	except KeyboardInterrupt:
		return INTERRUPTED
	except BrokenPipeError:
		# Who reads has had enough, such as `head`; what Python would still flush goes nowhere.
		os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
		return PIPE_CLOSED
	return code


def parser() -> argparse.ArgumentParser:
	"""The command line's grammar."""
	main = argparse.ArgumentParser(
		prog='lumengraph', description='A node-graph workflow engine for diffusion models. Without a command it serves.'
	)
	commands = main.add_subparsers(title='commands', metavar='COMMAND', required=True)
	folders, output, cache = folder_flags(), output_flags(), cache_flags()

	serve = commands.add_parser(
		'serve',
		parents=[folders, output, cache, history_flags(), front_end_flags()],
		help='serve the editor and the API',
	)
	add_serve_flags(serve)
	add_worker_flags(serve)

	add_run_command(
		commands.add_parser(
			'run', parents=[folders, output, cache], help='run a workflow, here or by a running server'
		),
		SOURCE,
	)

	check = commands.add_parser('check', parents=[folders], help='check a workflow file without running it')
	check.add_argument('file', metavar='FILE', help=SOURCE)
	check.set_defaults(command=_check)

	convert = commands.add_parser('convert', parents=[folders], help='write a workflow in another form')
	convert.add_argument('file', metavar='FILE', help=SOURCE)
	convert.add_argument(
		'--to',
		choices=('native', 'api', 'editor'),
		default='native',
		help="our own form (the usual), ComfyUI's API form, or what its editor saves",
	)
	convert.set_defaults(command=_convert)

	add_diff_command(
		commands.add_parser('diff', parents=[folders], help='what is another in one workflow than in an earlier one')
	)

	add_graph_command(commands.add_parser('graph', parents=[folders], help='draw a workflow, as text or SVG'), SOURCE)

	add_explain_command(
		commands.add_parser('explain', parents=[folders], help='what a workflow does, node by node, before it runs'),
		SOURCE,
	)
	add_verify_command(
		commands.add_parser('verify', parents=[folders, output], help='run anew what a picture carries, and compare')
	)

	add_bundle_command(
		commands.add_parser(
			'bundle',
			parents=[folders],
			help='write a workflow with all that another machine must know or have to run it',
		),
		SOURCE,
	)

	add_cache_commands(commands.add_parser('cache', help='look into the results that are kept, or clear them'), folders)

	add_token_commands(
		commands.add_parser('token', help='who may talk to the server: make, list, revoke tokens'), folders
	)
	add_transfer_commands(commands, [folders, output])

	nodes = commands.add_parser('nodes', parents=[folders], help='list the kinds of nodes, or describe one')
	nodes.add_argument('kind', nargs='?', metavar='KIND', help='the kind to describe')
	nodes.set_defaults(command=_nodes)
	add_models_command(
		commands.add_parser(
			'models', parents=[folders], help='the models in the memory of a running server, or else the model files'
		)
	)
	add_stubs_command(
		commands.add_parser(
			'stubs', parents=[folders], help='write types of all installed nodes, for workflows in Python code'
		)
	)
	for command in commands.choices.values():
		exact(command)
	return main


def _check(options: argparse.Namespace) -> int:
	from engine.formats.requirements import missing_models
	from engine.runner import Runner
	from server.cli_bundle import unpacked
	from server.cli_convert import tell_doubts
	from server.cli_forecast import in_words
	from server.cli_source import find_workflow
	from server.cli_uploads import lie_beside

	with (
		unpacked(options.file, settings_from(options)) as settings,
		closing(Runner(settings, lambda event: None)) as runner,
	):
		workflow = find_workflow(options.file, settings, runner.kit.nodes.infos)
		checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
		forecast = None if checked.problems else runner.forecast(checked.graph, checked.sinks)
		models = missing_models(workflow.requires, runner.storage.catalogue)
		beside = lie_beside(workflow, runner.kit.nodes.infos, settings, options.file)
	tell_doubts(workflow)
	for missing in models:
		print(f'warning: {missing.sentence}', file=sys.stderr)
	for place, path in beside.items():
		print(f'warning: {place}: {path} is not in the input folder; run copies it there', file=sys.stderr)
	problems = [problem for problem in checked.problems if f'{problem.node}.{problem.input}' not in beside]
	for problem in workflow.with_hints(problems):
		print(f'error: {problem.sentence}', file=sys.stderr)
	if problems:
		return BAD_INPUT
	named = f', inputs: {", ".join(workflow.inputs)}' if workflow.inputs else ''
	print(f'{options.file}: good; {len(workflow.graph.calls)} nodes{named}')
	if forecast is not None and forecast.nodes:
		print(in_words(forecast))
	if forecast is not None and forecast.refused is not None:
		return FAILED
	return OK


def _convert(options: argparse.Namespace) -> int:
	from server.cli_convert import convert_file

	return convert_file(options.file, options.to, settings_from(options))


def _nodes(options: argparse.Namespace) -> int:
	from engine.runner import Runner
	from server.cli_nodes import describe, listing

	with closing(Runner(settings_from(options), lambda event: None)) as runner:
		print(describe(runner, options.kind) if options.kind else listing(runner))
	return OK
