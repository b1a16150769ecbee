"""Converts templates and their versions."""

from __future__ import annotations

from carillon.messaging.v1 import template_pb2, template_service_pb2
from server.api.converters.values import channel, json_value, read_optional, read_value, timestamp
from server.commands.templates.add_version import NewVersion
from storage.model.templates import (
    Template,
    TemplateVariable,
    TemplateVariant,
    TemplateVersion,
    VariableType,
)


def template(record: Template) -> template_pb2.Template:
    """A template."""
    return template_pb2.Template(
        id=record.id,
        brand_id=record.brand_id,
        key=record.template_key,
        description=record.description,
        channel=channel(record.channel),
        current_version_id=record.current_version_id,
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        updated_at=timestamp(record.updated_at),
        category=record.category,
        archived_at=timestamp(record.archived_at),
    )


def version(record: TemplateVersion) -> template_pb2.TemplateVersion:
    """One version."""
    return template_pb2.TemplateVersion(
        id=record.id,
        template_id=record.template_id,
        brand_id=record.brand_id,
        version_number=record.revision,
        subject=record.subject,
        body=record.body,
        variables=record.names,
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        html=record.html,
        variable_schema=map(_variable, record.variables),
        schema_inferred=record.variables_inferred,
        variants=map(_variant, record.variants),
    )


def read_version(request: template_service_pb2.CreateTemplateVersionRequest) -> NewVersion:
    """A version to add."""
    return NewVersion(
        subject=read_optional(request, "subject"),
        body=request.body,
        html=read_optional(request, "html"),
        variables=tuple(map(_read_variable, request.variable_schema)),
        variants=tuple(map(_read_variant, request.variants)),
    )


def read_variable_type(variable: template_pb2.TemplateVariable) -> VariableType:
    """What a variable takes; anything if that is not said."""
    kind = template_pb2.TemplateVariable.Type.DESCRIPTOR.values_by_number.get(variable.type)
    return VariableType[kind.name.upper()] if kind and kind.number else VariableType.ANYTHING


def _variable(variable: TemplateVariable) -> template_pb2.TemplateVariable:
    return template_pb2.TemplateVariable(
        name=variable.name,
        type=template_pb2.TemplateVariable.Type.Value(variable.type.name.lower()),
        required=variable.required,
        default_value=json_value(variable.default),
    )


def _read_variable(variable: template_pb2.TemplateVariable) -> TemplateVariable:
    return TemplateVariable(
        name=variable.name,
        type=read_variable_type(variable),
        required=variable.required,
        default=read_value(variable.default_value),
    )


def _variant(variant: TemplateVariant) -> template_pb2.TemplateVariant:
    return template_pb2.TemplateVariant(
        locale=variant.locale, subject=variant.subject, body=variant.body, html=variant.html
    )


def _read_variant(variant: template_pb2.TemplateVariant) -> TemplateVariant:
    return TemplateVariant(
        locale=variant.locale,
        subject=read_optional(variant, "subject"),
        body=variant.body,
        html=read_optional(variant, "html"),
    )
