"""Reads sequences and enrollments."""

from __future__ import annotations

from dataclasses import replace

from server.commands.people.queries import checked_person_id
from server.domain.access import Caller
from server.domain.errors import NotFound
from server.domain.paging import Page, make_page, read_page_request
from storage.contract.storage import Transaction
from storage.model.programs import Enrollment, EnrollmentFilter, Sequence


async def get_sequence(tx: Transaction, caller: Caller, sequence_id: str) -> Sequence:
    """The sequence with its steps. Raises NotFound."""
    sequence = await tx.sequences.find(sequence_id)
    if sequence is None or not caller.principal.owns(sequence.brand_id):
        raise NotFound("sequence")
    return sequence


async def list_sequences(
    tx: Transaction, caller: Caller, brand_id: str, page_size: int, page_token: str
) -> Page[Sequence]:
    """A page of a brand's sequences, newest first. Raises NotFound, ValidationFailed."""
    brand = caller.principal.brand_or_only(brand_id)
    query = f"sequences/{brand}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.sequences.list_page(brand, page.after, page.size + 1)
    return make_page(rows, page, query, lambda sequence: sequence.id)


async def list_enrollments(
    tx: Transaction,
    caller: Caller,
    brand_id: str,
    where: EnrollmentFilter,
    page_size: int,
    page_token: str,
) -> Page[Enrollment]:
    """A page of a brand's enrollments, newest first. Raises NotFound, ValidationFailed."""
    if where.person_id is not None:
        where = replace(where, person_id=checked_person_id(where.person_id))
    brand = caller.principal.brand_or_only(brand_id)
    query = f"enrollments/{brand}/{where}"
    page = read_page_request(page_size, page_token, query)
    rows = await tx.enrollments.list_page(brand, where, page.after, page.size + 1)
    return make_page(rows, page, query, lambda enrollment: enrollment.id)


async def get_enrollment(tx: Transaction, caller: Caller, enrollment_id: str) -> Enrollment:
    """The enrollment in a sequence. Raises NotFound."""
    enrollment = await tx.enrollments.find(enrollment_id)
    is_known = enrollment is not None and caller.principal.owns(enrollment.brand_id)
    if enrollment is None or not is_known or enrollment.send_id is not None:
        raise NotFound("enrollment")
    return enrollment
