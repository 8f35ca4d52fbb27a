"""Nodes that check their inputs themselves."""

import asyncio

from .types import ANY, inputs


class Checking:
	"""Hands on a number that is said to lie from 0 to 10."""

	INPUT_TYPES = inputs({'value': ('INT', {'default': 1, 'min': 0, 'max': 10})}, {'other': ('INT', {'max': 10})})
	RETURN_TYPES = ('INT',)
	FUNCTION = 'hand'
	CATEGORY = 'Testing/Checking'

	def hand(self, value, other=0):
		return (value,)


class TestingValidateValue(Checking):
	"""Takes 0 to 100, whatever is declared."""

	@classmethod
	def VALIDATE_INPUTS(cls, value):
		return True if value is None or 0 <= value <= 100 else 'value must lie from 0 to 100'


class TestingValidateFalse(Checking):
	"""Takes nothing, and does not say why."""

	@classmethod
	def VALIDATE_INPUTS(cls, value):
		return False


class TestingValidateAll(Checking):
	"""Judges all inputs."""

	@classmethod
	def VALIDATE_INPUTS(cls, **values):
		bad = sorted(name for name, value in values.items() if value is not None and value > 100)
		return f'too large: {", ".join(bad)}' if bad else True


class TestingValidateTypes(Checking):
	"""Takes numbers of both kinds by a link, which its declaration does not say."""

	INPUT_TYPES = inputs({'value': ('STRING', {'forceInput': True})})
	RETURN_TYPES = (ANY,)

	@classmethod
	def VALIDATE_INPUTS(cls, input_types):
		wrong = [kind for kind in input_types.values() if kind not in ('INT', 'FLOAT')]
		return f'a number is wanted, not {wrong[0]}' if wrong else True


class TestingValidateAsync(Checking):
	"""Judges asynchronously."""

	@classmethod
	async def VALIDATE_INPUTS(cls, value):
		await asyncio.sleep(0)
		return True if value is None or value <= 50 else 'value must be 50 at most'


class TestingValidateError(Checking):
	"""Cannot judge."""

	@classmethod
	def VALIDATE_INPUTS(cls, value):
		raise RuntimeError('cannot judge')


class TestingUnion(Checking):
	"""Takes text or whole numbers by a link."""

	INPUT_TYPES = inputs({'value': ('STRING , INT', {'forceInput': True})})
	RETURN_TYPES = (ANY,)


class TestingMany(Checking):
	"""More choices than clients are told of in an error."""

	INPUT_TYPES = inputs({'value': ([str(number) for number in range(30)],)})
	RETURN_TYPES = ('STRING',)


class TestingChoices(Checking):
	"""Choices of several kinds."""

	INPUT_TYPES = inputs(
		{
			'value': ([1, 2.5, True, 'text'],),
			'remote': ('COMBO', {'remote': {'route': '/somewhere'}}),
			'several': ('COMBO', {'options': ['a', 'b'], 'multiselect': True}),
			'file': (['a.png'], {'image_upload': True, 'unknown_key': {'kept': (1, 2)}}),
		}
	)
	RETURN_TYPES = (['a', 'b'],)

	def hand(self, value, remote, several, file):
		return ('a',)


NODES = {cls.__name__: cls for cls in Checking.__subclasses__()}
