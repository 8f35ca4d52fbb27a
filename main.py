"""Starts Lumengraph: `python main.py [serve | run | check | nodes | cache | token | export | import]`."""

from __future__ import annotations

import sys


def main() -> None:
	"""The console command `lumengraph`."""
	from server.cli import run_command

	sys.exit(run_command(sys.argv[1:]))


if __name__ == '__main__':
	main()
