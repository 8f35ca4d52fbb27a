"""The commands behind main.py. Bad input ends with one message and exit code 2, a failed node with 1."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.settings import Settings

COMMANDS = ('serve', 'run', 'check', 'nodes')
OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def run_command(arguments: Sequence[str]) -> int:
	"""Run one command line; gives the exit code. Without a command it serves."""
	words = list(arguments)
	if not words or (words[0].startswith('-') and words[0] not in ('-h', '--help')):
		words.insert(0, 'serve')
	options = parser().parse_args(words)
	command: Callable[[argparse.Namespace], int] = options.command
	try:
		return command(options)
	except EngineError as error:
		for line in str(error).splitlines():
			print(f'error: {line}', file=sys.stderr)
		return BAD_INPUT
	except KeyboardInterrupt:
		return INTERRUPTED


def parser() -> argparse.ArgumentParser:
	"""The command line's grammar."""
	main = argparse.ArgumentParser(
		prog='lumengraph', description='A node-graph workflow engine for diffusion models. Without a command it serves.'
	)
	commands = main.add_subparsers(title='commands', metavar='COMMAND', required=True)
	folders = argparse.ArgumentParser(add_help=False)
	folders.add_argument('--base', type=Path, metavar='DIR', help='folder of input/, output/, temp/ and models/')
	folders.add_argument('--models', type=Path, metavar='DIR', help='folder of model files')
	folders.add_argument('--input', type=Path, metavar='DIR', help='folder of input pictures')

	serve = commands.add_parser('serve', parents=[folders], help='serve the editor and the API')
	serve.add_argument('--host', default='127.0.0.1', help='address to listen at (default: %(default)s)')
	serve.add_argument('--port', type=port_number, default=8188, help='port to listen at (default: %(default)s)')
	serve.add_argument('--output', type=Path, metavar='DIR', help='folder for saved pictures')
	serve.add_argument('--insecure', action='store_true', help='allow an address that other machines can reach')
	serve.set_defaults(command=_serve)

	run = commands.add_parser('run', parents=[folders], help='run a workflow file here, without a server')
	run.add_argument('file', type=Path, metavar='FILE', help='a workflow: native, or ComfyUI API form')
	run.add_argument(
		'--set',
		action='append',
		default=[],
		metavar='NAME=VALUE',
		help="set one of the workflow's named inputs, or NODE.INPUT; may be repeated",
	)
	run.add_argument('--seed', metavar='N', help='set the seed')
	run.add_argument('--output', type=Path, metavar='DIR', help='folder for saved pictures')
	run.add_argument('--json', action='store_true', help='print the outcome as JSON on standard output')
	run.set_defaults(command=_run)

	check = commands.add_parser('check', parents=[folders], help='check a workflow file without running it')
	check.add_argument('file', type=Path, metavar='FILE', help='a workflow: native, or ComfyUI API form')
	check.set_defaults(command=_check)

	nodes = commands.add_parser('nodes', parents=[folders], help='list the kinds of nodes, or describe one')
	nodes.add_argument('kind', nargs='?', metavar='KIND', help='the kind to describe')
	nodes.set_defaults(command=_nodes)
	return main


def port_number(text: str) -> int:
	"""A TCP port, 0 for any free one."""
	if not text.isdecimal() or int(text) > 65535:
		raise argparse.ArgumentTypeError(f'{text!r} is no port: 0 to 65535')
	return int(text)


def settings_from(options: argparse.Namespace) -> Settings:
	"""The settings that the flags name; relative folders are seen from where the command was given."""
	named = {name: getattr(options, name, None) for name in ('base', 'models', 'input', 'output')}
	return Settings.model_validate({name: path.resolve() for name, path in named.items() if path is not None})


def _serve(options: argparse.Namespace) -> int:
	from server.serve import serve

	return serve(settings_from(options), host=options.host, port=options.port, insecure=options.insecure)


def _run(options: argparse.Namespace) -> int:
	from server.cli_run import run_file

	return run_file(options.file, settings_from(options), changes=options.set, seed=options.seed, as_json=options.json)


def _check(options: argparse.Namespace) -> int:
	from engine.formats.workflow import open_workflow
	from engine.runner import Runner

	runner = Runner(settings_from(options), lambda event: None)
	workflow = open_workflow(options.file, runner.kit.nodes.infos)
	checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
	for problem in checked.problems:
		print(f'error: {problem.sentence}', file=sys.stderr)
	if checked.problems:
		return BAD_INPUT
	named = f', inputs: {", ".join(workflow.inputs)}' if workflow.inputs else ''
	print(f'{options.file}: good; {len(workflow.graph.calls)} nodes{named}')
	return OK


def _nodes(options: argparse.Namespace) -> int:
	from engine.runner import Runner
	from server.cli_nodes import describe, listing

	runner = Runner(settings_from(options), lambda event: None)
	print(describe(runner, options.kind) if options.kind else listing(runner))
	return OK
