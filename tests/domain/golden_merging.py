"""What the golden lines about merged contacts are read as today; test_golden.py adds those of everything else."""

from uuid import UUID

from domain.contact import (
    ContactAbsorbed,
    ContactMerged,
    ContactSeparated,
    ContactUnmerged,
    Email,
    Lifecycle,
    Name,
    Phone,
    Side,
)
from domain.event import Event

ADA = UUID("01890000-0000-7000-8000-0000000000a1")
TWIN = UUID("01890000-0000-7000-8000-0000000000a2")
COMPANY = UUID("01890000-0000-7000-8000-0000000000c1")
OWNER = UUID("01890000-0000-7000-8000-0000000000e1")

MERGING: dict[str, Event] = {
    "a contact merged into another": ContactMerged(into=ADA),
    "a contact absorbed with everything": ContactAbsorbed(
        subject_id=TWIN,
        choose={"title": Side.FROM, "emails": Side.INTO},
        name=Name(given="Ada", family="King", display="Ada King"),
        emails=(Email("ada@king.example", primary=True),),
        phones=(Phone("+442079460018", kind="mobile", primary=True),),
        company_id=COMPANY,
        title="Lady",
        tags=("vip",),
        owner_id=OWNER,
        external_ids={"erp": "8"},
        lifecycle=Lifecycle.CUSTOMER,
        custom={"score": 7},
        former_ids=(("shop", "x"),),
    ),
    "a contact unmerged": ContactUnmerged(into=ADA),
    "a contact separated with everything": ContactSeparated(
        from_id=TWIN,
        name=Name(given="Ada", family="Lovelace", display="Ada Lovelace"),
        emails=(),
        phones=(),
        company_id=None,
        title=None,
        tags=("mathematics",),
        owner_id=OWNER,
        external_ids={"erp": "7"},
        lifecycle=Lifecycle.LEAD,
        custom={},
        former_ids=(),
    ),
}
