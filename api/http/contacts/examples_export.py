"""Examples of exported files, as the API document and its tests use them."""

CSV = (
    "id,name,given,family,email,phone,company,title,tags,owner_id,lifecycle,external_ids.erp,created_at,updated_at\r\n"
    "019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a10,Ada Lovelace,Ada,Lovelace,"
    "ada@engines.example; home: ada@home.example,'+442079460018,Analytical Engines Ltd,Countess,mathematics; vip,"
    "019b1f4e-1a2b-7e01-8c3d-0a9b8c7d6e5f,lead,7,2026-01-05T09:30:00Z,2026-01-05T09:30:00Z\r\n"
)
VCARD = (
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:019b1f4e-7d3a-7c11-9f52-3a1c5e0b7a10\r\nFN:Ada Lovelace\r\n"
    "N:Lovelace;Ada;;;\r\nEMAIL;TYPE=work;PREF=1:ada@engines.example\r\nTEL;VALUE=uri;TYPE=work;PREF=1:tel:+442079460018\r\n"
    "ORG:Analytical Engines Ltd\r\nTITLE:Countess\r\nCATEGORIES:mathematics,vip\r\n"
    "X-RAPPORT-LIFECYCLE:lead\r\nREV:20260105T093000Z\r\nEND:VCARD\r\n"
)
