"""Every projection there is. A new read model is a new file and one line here."""

from projections import company, contact, contact_words, user

POSTGRES = (company.PROJECTION, user.PROJECTION, contact.PROJECTION, contact_words.PROJECTION)
"""In this order within a transaction: contacts take names from companies."""
