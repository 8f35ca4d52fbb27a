"""What pydantic has against a document, by the document's own places."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from server.misfits import in_words


class Pair(BaseModel):
	left: int
	right: int


class Box(BaseModel):
	value: Pair | list[int]
	name: str = ''


def told(document: object) -> dict[str, str]:
	with pytest.raises(ValidationError) as caught:
		Box.model_validate(document)
	return {'.'.join(place): message for place, message in in_words(caught.value, document)}


class TestPlaces:
	def test_forms_are_not_named(self) -> None:
		"""The place is the field's; what each form expects is told in one."""
		found = told({'value': 'x'})

		assert list(found) == ['value']
		assert ', or: ' in found['value']

	def test_within_lists_and_objects(self) -> None:
		"""By number and by name, also of what is missing."""
		assert 'value.1' in told({'value': [1, 'x']})
		assert 'value.right' in told({'value': {'left': 1}})
		assert list(told({'name': 'n'})) == ['value']

	def test_no_object_at_all(self) -> None:
		"""The document itself has no name."""
		assert list(told('x')) == ['']
