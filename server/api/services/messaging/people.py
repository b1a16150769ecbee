"""carillon.messaging.v1.PersonService."""

from __future__ import annotations

from carillon.messaging.v1 import person_service_pb2, person_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import consents, messaging
from server.api.interceptors.call import Context
from server.api.threads import check_on_thread
from server.commands.gate.explain import explain
from server.commands.people.delete import delete_person
from server.commands.people.put import prepare_people, put_people, put_person
from server.commands.people.queries import get_person


class PersonService(person_service_pb2_grpc.PersonServiceServicer):
    """People who can be reached."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def PutPerson(
        self, request: person_service_pb2.PutPersonRequest, context: Context
    ) -> person_service_pb2.Person:
        person = messaging.read_person(request)
        return await self._commands.change(
            request,
            lambda tx, caller: put_person(tx, caller, request.brand_id, person),
            messaging.person,
            person_service_pb2.Person,
        )

    async def BatchPutPeople(
        self, request: person_service_pb2.BatchPutPeopleRequest, context: Context
    ) -> person_service_pb2.BatchPutPeopleResponse:
        # Thousands of people take long enough for other calls to notice; a thread lets them in
        # between.
        prepared = await check_on_thread(
            lambda: prepare_people(
                request.brand_id, [*map(messaging.read_person_of_batch, request.people)]
            )
        )
        return await self._commands.change(
            request,
            lambda tx, caller: put_people(tx, caller, prepared),
            lambda count: person_service_pb2.BatchPutPeopleResponse(people_count=count),
            person_service_pb2.BatchPutPeopleResponse,
        )

    async def GetPerson(
        self, request: person_service_pb2.GetPersonRequest, context: Context
    ) -> person_service_pb2.Person:
        person = await self._commands.query(
            lambda tx, caller: get_person(tx, caller, request.brand_id, request.person_id)
        )
        return messaging.person(person)

    async def DeletePerson(
        self, request: person_service_pb2.DeletePersonRequest, context: Context
    ) -> person_service_pb2.DeletePersonResponse:
        return await self._commands.change(
            request,
            lambda tx, caller: delete_person(tx, caller, request.brand_id, request.person_id),
            lambda _: person_service_pb2.DeletePersonResponse(),
            person_service_pb2.DeletePersonResponse,
        )

    async def ExplainContact(
        self, request: person_service_pb2.ExplainContactRequest, context: Context
    ) -> person_service_pb2.ExplainContactResponse:
        asked, recipient = consents.read_key(request), request.recipient or None
        return consents.explanation(
            await self._commands.query(lambda tx, caller: explain(tx, caller, asked, recipient))
        )
