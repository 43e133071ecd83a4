"""The engine on a real server: the shared behaviour, and what only it has."""

from tests.engines.congruence import *  # noqa: F403
