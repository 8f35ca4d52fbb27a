"""The table of weaknesses in server/README.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from engine.settings import PROJECT


def test_every_class_is_in_the_table() -> None:
	"""And every class of the table is in this folder."""
	readme = (PROJECT / 'server' / 'README.md').read_text()
	table = readme.partition('### Weaknesses')[2].partition('\n## ')[0]
	named = re.findall(r'\| `(Test\w+)` \|', table)
	found = [
		statement.name
		for path in Path(__file__).parent.glob('test_*.py')
		for statement in ast.parse(path.read_text()).body
		if isinstance(statement, ast.ClassDef)
	]

	assert sorted(named) == sorted(found)
