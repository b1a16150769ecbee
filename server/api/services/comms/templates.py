"""carillon.comms.v1.TemplateService."""

from __future__ import annotations

import asyncio

from carillon.comms.v1 import template_pb2, template_service_pb2, template_service_pb2_grpc
from server.api.command_runner import CommandRunner
from server.api.converters import comms
from server.api.converters.values import read_channel, read_optional, read_struct, read_value
from server.api.interceptors.call import Context
from server.commands.templates.preview import PreviewRequest, find_preview
from server.commands.templates.put import NewTemplate, prepare_template, put_template
from server.commands.templates.queries import get_template, list_template_revisions
from storage.model.templates import TemplateVariable, TemplateVariant

pb = template_service_pb2


class TemplateService(template_service_pb2_grpc.TemplateServiceServicer):
    """Templates and their revisions."""

    def __init__(self, commands: CommandRunner) -> None:
        self._commands = commands

    async def PutTemplate(
        self, request: pb.PutTemplateRequest, context: Context
    ) -> template_pb2.Template:
        template = NewTemplate(
            brand_id=request.brand_id,
            channel=read_channel(request.channel),
            template_key=request.template_key,
            subject=read_optional(request, "subject"),
            body=request.body,
            html=read_optional(request, "html"),
            variables=tuple(map(_read_variable, request.variables)),
            variants=tuple(map(_read_variant, request.variants)),
        )
        prepared = await asyncio.to_thread(prepare_template, template)
        return await self._commands.change(
            request,
            lambda tx, caller: put_template(tx, caller, prepared),
            comms.template,
            template_pb2.Template,
        )

    async def GetTemplate(
        self, request: pb.GetTemplateRequest, context: Context
    ) -> template_pb2.Template:
        channel = read_channel(request.channel)
        template = await self._commands.query(
            lambda tx, caller: get_template(
                tx, caller, request.brand_id, channel, request.template_key, request.revision
            )
        )
        return comms.template(template)

    async def ListTemplateRevisions(
        self, request: pb.ListTemplateRevisionsRequest, context: Context
    ) -> pb.ListTemplateRevisionsResponse:
        channel = read_channel(request.channel)
        page = await self._commands.query(
            lambda tx, caller: list_template_revisions(
                tx,
                caller,
                request.brand_id,
                channel,
                request.template_key,
                request.page_size,
                request.page_token,
            )
        )
        return pb.ListTemplateRevisionsResponse(
            templates=map(comms.template, page.items), next_page_token=page.next_page_token
        )

    async def PreviewTemplate(
        self, request: pb.PreviewTemplateRequest, context: Context
    ) -> pb.PreviewTemplateResponse:
        wanted = PreviewRequest(
            brand_id=request.brand_id,
            channel=read_channel(request.channel),
            template_key=request.template_key,
            revision=request.revision,
            variables=read_struct(request.variables),
            person_id=request.person_id,
            locale=request.locale,
        )
        preview = await self._commands.query(lambda tx, caller: find_preview(tx, caller, wanted))
        rendered = await asyncio.to_thread(preview.render)
        return pb.PreviewTemplateResponse(
            revision=preview.template.revision,
            subject=rendered.subject,
            body=rendered.body,
            html=rendered.html,
            locale=preview.variant.locale if preview.variant else None,
        )


def _read_variable(variable: template_pb2.TemplateVariable) -> TemplateVariable:
    return TemplateVariable(
        name=variable.name,
        type=comms.read_variable_type(variable),
        required=variable.required,
        default=read_value(variable.default_value),
    )


def _read_variant(variant: template_pb2.TemplateVariant) -> TemplateVariant:
    return TemplateVariant(
        locale=variant.locale,
        subject=read_optional(variant, "subject"),
        body=variant.body,
        html=read_optional(variant, "html"),
    )
