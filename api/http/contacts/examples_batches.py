"""Examples of batches, as the API document and its tests use them."""

from typing import Any

_ADA = "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a10"

CONTACT_BATCH: dict[str, Any] = {
    "match": "email",
    "items": [
        {"name": "Ada Lovelace", "email": "ada@engines.example", "company": "Analytical Engines Ltd"},
        {"name": "Grace Hopper", "email": "grace(at)engines.example"},
    ],
}
COMPANY_BATCH: dict[str, Any] = {
    "match": "external_id",
    "items": [
        {"name": "Lovelace Mills", "size": 120, "external_ids": {"erp": "4712"}},
        {"name": "Hopper Works", "domain": "works.example", "external_ids": {"erp": "4713"}},
    ],
}
REFUSED_ITEM: dict[str, Any] = {
    "type": "urn:rapport:problem:validation.failed",
    "title": "Not valid",
    "status": 422,
    "detail": "one field is not valid",
    "code": "validation.failed",
    "hint": "Correct the fields listed in errors and send the request again; nothing was saved.",
    "errors": [{"pointer": "/items/1/email", "code": "email.invalid", "message": "is not an e-mail address"}],
}
RESULTS: dict[str, Any] = {
    "results": [
        {"index": 0, "status": 201, "id": _ADA},
        {"index": 1, "status": 422, "error": REFUSED_ITEM},
    ]
}
COMPANY_RESULTS: dict[str, Any] = {
    "results": [{"index": 0, "status": 200, "id": _ADA}, {"index": 1, "status": 201, "id": _ADA[:-1] + "1"}]
}
