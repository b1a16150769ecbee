"""Mail servers and certificates for the tests of channels."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.channels.certificate import Certificate, make_certificate
from tests.support.channels.mail_server import MailServer


@pytest.fixture(params=["pipelining", "one_by_one"])
async def mail_server(request: pytest.FixtureRequest) -> AsyncIterator[MailServer]:
    """Once for servers that take commands together, once for those that do not say so."""
    server = MailServer(pipelining=request.param == "pipelining")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))
