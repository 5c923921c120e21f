"""Every use case there is. A new aggregate adds its lines here."""

from commands import contact, identity
from commands.handle import UseCase
from domain.contact import Contact
from domain.contact import evolve as evolve_contact
from domain.tenant import Tenant
from domain.tenant import evolve as evolve_tenant

REGISTER_TENANT: UseCase[identity.NewTenant, Tenant] = UseCase(
    kind="tenant",
    evolve=evolve_tenant,
    decide=identity.register,
    creates=True,
    status=201,
    claim_taken=identity.email_taken,
)
REGISTER_CONTACT: UseCase[contact.RegisterContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.register,
    creates=True,
    status=201,
    lookups=contact.lookups,
    claim_taken=contact.claim_taken,
)
CHANGE_CONTACT: UseCase[contact.ChangeContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.change,
    lookups=contact.lookups,
    claim_taken=contact.claim_taken,
)
DELETE_CONTACT: UseCase[contact.DeleteContact, Contact] = UseCase(
    kind="contact",
    evolve=evolve_contact,
    decide=contact.delete,
    status=204,
)
