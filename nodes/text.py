"""Texts: joined, cut, searched, saved. A search that does not end counts as a call that hangs."""

from __future__ import annotations

import json
import re
from typing import Annotated, BinaryIO

from engine.declaration import Choice, Number, Text, Toggle
from engine.errors import BadInput
from engine.spec import Context, node

SECONDS = 60.0
LONG = Text(multiline=True)
CATEGORY = 'utils/string'

String = Annotated[str, LONG]
Pattern = Annotated[str, LONG, 'A regular expression, as Python writes them.']
IgnoreCase = Annotated[bool, Toggle(default=True), 'Take capitals and small letters for the same.']
Multiline = Annotated[bool, Toggle(default=False), '^ and $ match at each line.']
DotAll = Annotated[bool, Toggle(default=False), '. matches the end of a line too.']
CaseSensitive = Annotated[bool, Toggle(default=True), 'Whether capitals matter.']


@node(kind='StringConcatenate', title='Concatenate', category=CATEGORY, lane='cpu')
def concatenate(
	string_a: Annotated[String, 'The first text.'],
	string_b: Annotated[String, 'The second text.'],
	delimiter: Annotated[str, Text(), 'What goes between them.'],
) -> str:
	"""Two texts, one after the other."""
	return delimiter.join((string_a, string_b))


@node(kind='StringSubstring', title='Substring', category=CATEGORY, lane='cpu')
def substring(
	string: Annotated[String, 'The text.'],
	start: Annotated[int, Number(), 'The first letter, counted from 0; below 0 from the end.'],
	end: Annotated[int, Number(), 'The first letter that is left out.'],
) -> str:
	"""A piece of a text."""
	return string[start:end]


@node(kind='StringLength', title='Length', category=CATEGORY, lane='cpu', outputs=('length',))
def length(string: Annotated[String, 'The text.']) -> int:
	"""How many letters a text has."""
	return len(string)


@node(kind='CaseConverter', title='Case Converter', category=CATEGORY, lane='cpu')
def convert_case(
	string: Annotated[String, 'The text.'],
	mode: Annotated[
		str, Choice(options=('UPPERCASE', 'lowercase', 'Capitalize', 'Title Case')), 'The case to write in.'
	],
) -> str:
	"""A text in capitals, in small letters, with a capital at its start, or at that of each word."""
	match mode:
		case 'UPPERCASE':
			return string.upper()
		case 'lowercase':
			return string.lower()
		case 'Capitalize':
			return string.capitalize()
	return string.title()


@node(kind='StringTrim', title='Trim', category=CATEGORY, lane='cpu')
def trim(
	string: Annotated[String, 'The text.'],
	mode: Annotated[str, Choice(options=('Both', 'Left', 'Right')), 'The end that is trimmed.'],
) -> str:
	"""A text without the space around it."""
	return {'Both': string.strip, 'Left': string.lstrip, 'Right': string.rstrip}[mode]()


@node(kind='StringReplace', title='Replace', category=CATEGORY, lane='cpu')
def replace(
	string: Annotated[String, 'The text.'],
	find: Annotated[str, LONG, 'What to look for.'],
	replace: Annotated[str, LONG, 'What to put there.'],
) -> str:
	"""A text with all of one piece replaced."""
	return string.replace(find, replace)


@node(kind='StringContains', title='Contains', category=CATEGORY, lane='cpu', outputs=('contains',))
def contains(
	string: Annotated[String, 'The text to look in.'],
	substring: Annotated[String, 'The text to look for.'],
	case_sensitive: CaseSensitive,
) -> bool:
	"""Whether a text has another one in it."""
	return substring in string if case_sensitive else substring.lower() in string.lower()


@node(kind='StringCompare', title='Compare', category=CATEGORY, lane='cpu')
def compare(
	string_a: Annotated[String, 'The first text.'],
	string_b: Annotated[String, 'The second text.'],
	mode: Annotated[str, Choice(options=('Starts With', 'Ends With', 'Equal')), 'What is compared.'],
	case_sensitive: CaseSensitive,
) -> bool:
	"""Whether the first text begins with the second, ends with it, or is it."""
	one, other = (string_a, string_b) if case_sensitive else (string_a.lower(), string_b.lower())
	if mode == 'Equal':
		return one == other
	return one.startswith(other) if mode == 'Starts With' else one.endswith(other)


@node(kind='RegexMatch', title='Regex Match', category=CATEGORY, lane='cpu', outputs=('matches',), time_limit=SECONDS)
def matches(
	string: Annotated[String, 'The text.'],
	regex_pattern: Pattern,
	case_insensitive: IgnoreCase,
	multiline: Multiline,
	dotall: DotAll,
) -> bool:
	"""Whether a regular expression is found in a text. One that is none is found nowhere."""
	try:
		return re.search(regex_pattern, string, _flags(case_insensitive, multiline, dotall)) is not None
	except re.error:
		return False


@node(kind='RegexExtract', title='Regex Extract', category=CATEGORY, lane='cpu', time_limit=SECONDS)
def extract(
	string: Annotated[String, 'The text.'],
	regex_pattern: Pattern,
	mode: Annotated[
		str,
		Choice(options=('First Match', 'All Matches', 'First Group', 'All Groups')),
		'What to take of what is found.',
	],
	case_insensitive: IgnoreCase,
	multiline: Multiline,
	dotall: DotAll,
	group_index: Annotated[int, Number(default=1, min=0, max=100), 'Which group, counted from 1; 0 is the match.'],
) -> str:
	"""What a regular expression finds in a text, one find a line. Empty if it finds nothing, or is none."""
	try:
		found = list(re.finditer(regex_pattern, string, _flags(case_insensitive, multiline, dotall)))
	except re.error:
		return ''
	chosen = found[:1] if mode.startswith('First') else found
	if mode == 'All Matches' and found and len(found[0].groups()) > 0:
		# Where there are groups, it is the first of them that counts as the match.
		return '\n'.join(match[1] or '' for match in chosen)
	if mode.endswith(('Match', 'Matches')):
		return '\n'.join(match[0] for match in chosen)
	return '\n'.join(match[group_index] or '' for match in chosen if len(match.groups()) >= group_index)


@node(kind='RegexReplace', title='Regex Replace', category=CATEGORY, lane='cpu', time_limit=SECONDS)
def regex_replace(
	string: Annotated[String, 'The text.'],
	regex_pattern: Pattern,
	replace: Annotated[str, LONG, 'What to put there; \\1 is the first group.'],
	case_insensitive: IgnoreCase = True,
	multiline: Multiline = False,
	dotall: DotAll = False,
	count: Annotated[int, Number(min=0, max=100), 'At most so many times; 0 is always.'] = 0,
) -> str:
	"""A text with what a regular expression finds replaced."""
	try:
		flags = _flags(case_insensitive, multiline, dotall)
		return re.sub(regex_pattern, replace, string, count=count, flags=flags)
	except re.error as error:
		raise BadInput('regex_pattern', 'a regular expression', f'{regex_pattern!r} ({error})') from error


@node(kind='JsonExtractString', title='Extract Text from JSON', category='text', lane='cpu')
def extract_from_json(
	json_string: Annotated[String, 'The text of a JSON object.'],
	key: Annotated[str, Text(), 'Its name in the outermost object.'],
) -> str:
	"""One value of a JSON object as text. Empty if there is none of this name, or if it is no JSON object."""
	try:
		found = json.loads(json_string)
	except ValueError:
		return ''
	value = found.get(key) if isinstance(found, dict) else None
	return '' if value is None else str(value)


@node(
	kind='SaveText',
	title='Save Text',
	category='text',
	sink=True,
	lane='disk',
	hidden=('prompt', 'extra_pnginfo'),
	outputs=('text',),
)
def save(
	context: Context,
	text: Annotated[str, {'forceInput': True, 'tooltip': 'What to save.'}, 'The text to save.'],
	filename_prefix: Annotated[str, Text(default='Lumengraph'), 'Start of the file name; may hold a folder.'],
	format: Annotated[str, Choice(options=('txt', 'csv', 'md', 'json'), default='txt'), 'How the name ends.'],
) -> str:
	"""Save a text in the output folder."""
	content = text.encode()

	def write(stream: BinaryIO) -> None:
		stream.write(content)

	saved = context.files.save(write, filename_prefix, f'.{format}')
	context.show(text=[text], files=[saved.model_dump()])
	return text


def _flags(case_insensitive: bool, multiline: bool, dotall: bool) -> re.RegexFlag:
	chosen = ((case_insensitive, re.IGNORECASE), (multiline, re.MULTILINE), (dotall, re.DOTALL))
	flags = re.RegexFlag(0)
	for wanted, flag in chosen:
		if wanted:
			flags |= flag
	return flags
