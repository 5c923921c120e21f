"""Leads over HTTP: every route of theirs."""

from litestar import Router

from api.http.leads.batch import batch_leads
from api.http.leads.follow_ups import list_follow_ups
from api.http.leads.moves import MOVES
from api.http.leads.reads import lead_history, list_leads, read_lead
from api.http.leads.timeline import lead_timeline
from api.http.leads.writes import assign_lead, change_lead, delete_lead, register_lead
from api.http.pipeline.routes import read_pipeline, read_trend
from api.http.pipeline.stream import stream_pipeline

ROUTER = Router(
    path="/v1",
    route_handlers=[
        register_lead,
        batch_leads,
        list_leads,
        read_lead,
        change_lead,
        delete_lead,
        assign_lead,
        *MOVES,
        lead_history,
        lead_timeline,
        list_follow_ups,
        read_pipeline,
        read_trend,
        stream_pipeline,
    ],
)
