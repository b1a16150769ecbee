"""Finds the person whom a `patient_id` names: clients of the documented API may know people by an
id of another system."""

from __future__ import annotations

from server.domain.contacts.addresses import normalise_person_id
from server.domain.errors import PatientAmbiguous
from storage.contract.storage import Transaction


async def find_person_of(tx: Transaction, brand_id: str, patient_id: str) -> str:
    """Id of the person whose id it is, or else of the one whose attribute `patient_id` it is.

    One that is neither is the id of somebody who was not put, as the person_id of a message may
    be. Raises PatientAmbiguous.
    """
    try:
        person_id = normalise_person_id(patient_id)
    except ValueError:
        person_id = patient_id  # nobody's id, but it may be an attribute
    if await tx.people.find(brand_id, person_id) is not None:
        return person_id
    patients = await tx.people.find_patients(brand_id, patient_id)
    if len(patients) > 1:
        raise PatientAmbiguous
    return patients[0] if patients else person_id
