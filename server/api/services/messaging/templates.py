"""carillon.messaging.v1.TemplateService."""

from __future__ import annotations

from carillon.messaging.v1 import (
    template_pb2,
    template_service_pb2,
    template_service_pb2_grpc,
)
from server.api.command_runner import CommandRunner
from server.api.converters import templates
from server.api.converters.values import read_channel, read_optional, read_struct
from server.api.interceptors.call import Context
from server.api.threads import RenderThreads
from server.commands.templates.add_version import add_version, prepare_version
from server.commands.templates.archive import archive_template
from server.commands.templates.create import NewTemplate, create_template
from server.commands.templates.queries import (
    get_template,
    get_version,
    list_templates,
    list_versions,
)
from server.commands.templates.render import RenderRequest, find_rendering
from storage.model.templates import TemplateFilter

pb = template_service_pb2


class TemplateService(template_service_pb2_grpc.TemplateServiceServicer):
    """Templates and their versions."""

    def __init__(self, commands: CommandRunner, threads: RenderThreads) -> None:
        self._commands = commands
        self._threads = threads

    async def CreateTemplate(
        self, request: pb.CreateTemplateRequest, context: Context
    ) -> template_pb2.Template:
        new = NewTemplate(
            brand_id=request.brand_id,
            channel=read_channel(request.channel),
            template_key=request.key,
            description=read_optional(request, "description"),
            category=read_optional(request, "category"),
        )
        return await self._commands.change(
            request,
            lambda tx, caller: create_template(tx, caller, new),
            templates.template,
            template_pb2.Template,
        )

    async def GetTemplate(
        self, request: pb.GetTemplateRequest, context: Context
    ) -> template_pb2.Template:
        return templates.template(
            await self._commands.query(lambda tx, caller: get_template(tx, caller, request.id))
        )

    async def ListTemplates(
        self, request: pb.ListTemplatesRequest, context: Context
    ) -> pb.ListTemplatesResponse:
        where = TemplateFilter(
            channel=read_channel(request.channel) if request.channel else None,
            template_key=request.key or None,
            archived=request.archived,
        )
        page = await self._commands.query(
            lambda tx, caller: list_templates(
                tx, caller, request.brand_id, where, request.page_size, request.page_token
            )
        )
        return pb.ListTemplatesResponse(
            items=map(templates.template, page.items), next_page_token=page.next_page_token
        )

    async def CreateTemplateVersion(
        self, request: pb.CreateTemplateVersionRequest, context: Context
    ) -> template_pb2.TemplateVersion:
        template = await self._commands.query(
            lambda tx, caller: get_template(tx, caller, request.id)
        )
        new = templates.read_version(request)
        prepared = await self._threads.render(
            template.brand_id, lambda: prepare_version(template.channel, new)
        )
        return await self._commands.change(
            request,
            lambda tx, caller: add_version(tx, caller, request.id, prepared),
            templates.version,
            template_pb2.TemplateVersion,
        )

    async def GetTemplateVersion(
        self, request: pb.GetTemplateVersionRequest, context: Context
    ) -> template_pb2.TemplateVersion:
        return templates.version(
            await self._commands.query(
                lambda tx, caller: get_version(tx, caller, request.id, request.version_id)
            )
        )

    async def ListTemplateVersions(
        self, request: pb.ListTemplateVersionsRequest, context: Context
    ) -> pb.ListTemplateVersionsResponse:
        page = await self._commands.query(
            lambda tx, caller: list_versions(
                tx, caller, request.id, request.page_size, request.page_token
            )
        )
        return pb.ListTemplateVersionsResponse(
            items=map(templates.version, page.items), next_page_token=page.next_page_token
        )

    async def RenderTemplate(
        self, request: pb.RenderTemplateRequest, context: Context
    ) -> pb.RenderTemplateResponse:
        wanted = RenderRequest(
            template_id=request.id,
            payload=read_struct(request.payload),
            strict=request.strict,
            version_id=request.version_id,
            person_id=request.person_id,
            locale=request.locale,
        )
        found = await self._commands.query(lambda tx, caller: find_rendering(tx, caller, wanted))
        rendered = await self._threads.render(found.version.brand_id, found.render)
        return pb.RenderTemplateResponse(
            subject=rendered.subject,
            body=rendered.body,
            missing_variables=found.missing,
            html=rendered.html,
            locale=found.variant.locale if found.variant else None,
            version_number=found.version.revision,
        )

    async def ArchiveTemplate(
        self, request: pb.ArchiveTemplateRequest, context: Context
    ) -> template_pb2.Template:
        return await self._commands.change(
            request,
            lambda tx, caller: archive_template(tx, caller, request.id),
            templates.template,
            template_pb2.Template,
        )
