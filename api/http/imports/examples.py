"""Examples of imports for the document."""

from api.http import examples

_ID = "01970000-0000-7000-8000-0000000000f1"

IMPORT = {
    "id": _ID,
    "version": 1,
    "status": "ready",
    "file_name": "contacts.csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "columns": ["Name", "E-mail", "Notes"],
    "mapping": {"Name": "name", "E-mail": "email", "Notes": None},
    "dates": {},
    "country": None,
    "policy": "update",
    "owner_id": examples.CONTACT["owner_id"],
    "progress": {"done": 0, "total": 2},
    "counts": {"total": 2, "created": 0, "updated": 0, "merged": 0, "skipped": 0, "failed": 0, "suggested": 0},
    "undone": {"deleted": 0, "restored": 0, "refused": 0, "companies": 0},
    "failure": None,
    "created_at": "2026-01-01T09:00:00Z",
    "updated_at": "2026-01-01T09:00:00Z",
}
RUNNING = IMPORT | {"version": 2, "status": "running"}
UNDOING = IMPORT | {"version": 5, "status": "undoing"}
UPLOAD = {
    "options": {"policy": "update", "auto_start": False},
    "file": "Name,E-mail\r\nAda Lovelace,ada@engines.example\r\n",
}
MAPPING = {"mapping": {"Name": "name", "E-mail": "email", "Notes": None}}
PREVIEW = {
    "rows": [
        {"row": 2, "action": "create", "contact": examples.CONTACT, "match": None, "errors": []},
        {
            "row": 3,
            "action": "fail",
            "contact": None,
            "match": None,
            "errors": [
                {
                    "column": "E-mail",
                    "code": "email.invalid",
                    "message": "is not an e-mail address: An email address must have an @-sign",
                    "hint": "Write it like name@example.org.",
                    "value": "ada",
                }
            ],
        },
    ]
}
DRY_START = {
    "dry_run": True,
    "events": [],
    "state": {"counts": IMPORT["counts"], "rows": 2, "total": 2, "status": "ready"},
}
DRY = {"dry_run": True, "events": [], "state": IMPORT}
