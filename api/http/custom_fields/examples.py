"""Examples of custom fields for the OpenAPI document."""

from api.http.examples import CONTACT

PUT_CUSTOM_FIELD = {"label": "Contract number", "type": "text", "required": False, "unique": True, "choices": []}
_PUT = {"kind": "contact", "key": "contract_number", **PUT_CUSTOM_FIELD}
CUSTOM_FIELD = {
    "id": CONTACT["id"],
    "version": 1,
    **_PUT,
    "changing": False,
    "created_at": CONTACT["created_at"],
    "updated_at": CONTACT["created_at"],
}
DRY_DELETION = {"dry_run": True, "events": [{"type": "custom_field.deleted.v1", "data": {}}], "state": CUSTOM_FIELD}
