"""`lumengraph export` and `import`: the jobs of a data folder with their pictures, to take elsewhere or to keep."""

from __future__ import annotations

import argparse
from pathlib import Path

from server.cli_flags import settings_from


def add_transfer_commands(
	commands: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
	"""The grammar of the two."""
	export = commands.add_parser(
		'export', parents=parents, help='write all jobs and their pictures to a ZIP file or a folder'
	)
	export.add_argument('target', type=Path, metavar='FILE.zip|DIR', help='what to write; it must not exist')
	export.set_defaults(command=_export)
	bring = commands.add_parser(
		'import', parents=parents, help='add the jobs and pictures of an export to what is here'
	)
	bring.add_argument('source', type=Path, metavar='FILE.zip|DIR', help='what `export` wrote')
	bring.set_defaults(command=_import)


def _export(options: argparse.Namespace) -> int:
	from server.store.transfer import export_jobs

	done = export_jobs(settings_from(options), options.target)
	gone = f'; {counted(done.missing, "picture")} that jobs show cannot be found any more' if done.missing else ''
	print(f'{options.target}: {counted(done.jobs, "job")}, {counted(done.pictures, "picture")}{gone}')
	return 0


def _import(options: argparse.Namespace) -> int:
	from server.store.transfer import import_jobs

	done = import_jobs(settings_from(options), options.source)
	print(f'{counted(done.jobs, "job")} and {counted(done.pictures, "picture")} were added')
	if done.known:
		print(f'{counted(done.known, "job")} known before and left as they are')
	if done.renamed:
		print(f'{counted(done.renamed, "picture")} under a new name, since another has theirs')
	return 0


def counted(number: int, noun: str) -> str:
	"""`1 job`, `2 jobs`."""
	return f'{number} {noun}' if number == 1 else f'{number} {noun}s'
