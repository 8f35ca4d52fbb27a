"""The session of the tests of workflows in code."""

import importlib

from tests.engine.code.conftest import session as session

# pytest's own tester forgets what was imported during a run of it, and torch cannot be imported twice.
importlib.import_module('torch')
