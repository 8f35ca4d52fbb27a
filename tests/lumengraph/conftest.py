"""The session of the tests of workflows in code."""

from tests.engine.code.conftest import session as session
