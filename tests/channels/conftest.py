"""Mail servers and certificates for the tests of channels."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.channels.certificate import Certificate, make_certificate
from tests.channels.mail_server import MailServer


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))
