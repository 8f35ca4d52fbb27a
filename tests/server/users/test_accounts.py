"""Who there is."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from server.errors import BadRequest, Forbidden, NameTaken, UnknownUser
from server.users.accounts import Accounts, BrokenAccounts, is_id, slug


class TestOnePerson:
	"""A server for one."""

	def test_has_one_folder(self, tmp_path: Path) -> None:
		"""Whoever a request says it is from; nothing is made before something is stored."""
		accounts = Accounts(tmp_path / 'user', several=False)

		assert accounts.folder_of('') == accounts.folder_of('somebody') == tmp_path / 'user' / 'default'
		assert not (tmp_path / 'user').exists()

	def test_migrated(self, tmp_path: Path) -> None:
		"""Once the folder is there."""
		accounts = Accounts(tmp_path, several=False)
		before = accounts.migrated
		(tmp_path / 'default').mkdir()

		assert (before, accounts.migrated) == (False, True)

	def test_folder_that_cannot_be_made(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
		"""Keeps nobody from starting; the log says why nothing can be stored."""
		(tmp_path / 'user').touch()
		Accounts(tmp_path / 'user', several=False).prepare()

		assert 'cannot be made' in caplog.text

	def test_reserved_ids_are_refused(self, tmp_path: Path) -> None:
		"""They are the system's."""
		with pytest.raises(Forbidden):
			Accounts(tmp_path, several=False).folder_of('__system')


class TestSeveral:
	"""A server for several."""

	def test_added_person_has_a_folder(self, tmp_path: Path) -> None:
		"""Of the name of their id, which tells the name; other processes know them too."""
		user = Accounts(tmp_path, several=True).add(' Jörg & Co. ')

		assert user.startswith('J-rg-Co_')
		assert Accounts(tmp_path, several=True).names() == {user: 'Jörg & Co.'}
		assert Accounts(tmp_path, several=True).folder_of(user) == tmp_path / user

	@pytest.mark.parametrize('user', ['', 'default', 'nobody', '..', 'a/b'])
	def test_others_are_unknown(self, tmp_path: Path, user: str) -> None:
		"""Nobody at all, and the one person of a server for one, too."""
		accounts = Accounts(tmp_path, several=True)
		accounts.add('Ann')
		with pytest.raises(UnknownUser):
			accounts.folder_of(user)

	def test_name_is_given_once(self, tmp_path: Path) -> None:
		"""Spaces around it make it no other."""
		accounts = Accounts(tmp_path, several=True)
		accounts.add('Ann')
		with pytest.raises(NameTaken, match='Ann'):
			accounts.add('Ann ')

	@pytest.mark.parametrize('name', ['', '  ', 'x' * 101, 'a\nb', 'nul\0', '\ud800'])
	def test_what_is_no_name(self, tmp_path: Path, name: str) -> None:
		"""Nothing, a page, and what no line can show."""
		with pytest.raises(BadRequest):
			Accounts(tmp_path, several=True).add(name)

	def test_equal_slugs_are_different_people(self, tmp_path: Path) -> None:
		"""Ids are unique, names of letters that no folder can have included."""
		accounts = Accounts(tmp_path, several=True)
		users = {accounts.add(name) for name in ('日本', '中国', '__', '..')}

		assert len(users) == 4
		assert all(is_id(user) for user in users)

	def test_nobody_is_lost_when_many_come_at_once(self, tmp_path: Path) -> None:
		"""Each of them is in the list."""
		accounts = Accounts(tmp_path, several=True)
		threads = [threading.Thread(target=accounts.add, args=(f'n{number}',)) for number in range(20)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()

		assert sorted(accounts.names().values()) == sorted(f'n{number}' for number in range(20))

	def test_ids_in_an_edited_list_lead_nowhere_else(self, tmp_path: Path) -> None:
		"""What is no plain name of a folder is nobody."""
		listed = {'../elsewhere': 'Eve', '__system': 'Eve', 'a_1': 'Ann', '': 'Eve'}
		(tmp_path / 'users.json').write_text(json.dumps(listed))

		assert Accounts(tmp_path, several=True).names() == {'a_1': 'Ann'}

	@pytest.mark.parametrize('text', ['{"a": ', '[]', '{"a": 1}'])
	def test_broken_list_lets_nobody_in(self, tmp_path: Path, text: str) -> None:
		"""And is not overwritten by the next who comes."""
		(tmp_path / 'users.json').write_text(text)
		accounts = Accounts(tmp_path, several=True)
		for call in (accounts.names, lambda: accounts.add('Ann'), lambda: accounts.folder_of('a')):
			with pytest.raises(BrokenAccounts):
				call()

		assert (tmp_path / 'users.json').read_text() == text


class TestSlug:
	@pytest.mark.parametrize(
		('name', 'slugged'), [('Ann', 'Ann'), ('../x', 'x'), ('_-_', 'user'), ('a' * 90, 'a' * 40)]
	)
	def test_slug(self, name: str, slugged: str) -> None:
		"""Letters and digits; never nothing, never long."""
		assert slug(name) == slugged
