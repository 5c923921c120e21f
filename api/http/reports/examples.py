"""Examples of reports, as the API document and its tests use them."""

from typing import Any

from api.http.examples import CONTACT

ROW: dict[str, Any] = {
    "key": CONTACT["owner_id"],
    "label": "Grace Hopper",
    "count": 42,
    "by_type": {"call": 30, "email": 12},
    "by_outcome": {"reached": 21, "no answer": 9},
    "responses": 7,
    "response_seconds": {"median": 5400.0, "p90": 86400.0},
    "next_actions": {"due": 3, "overdue": 1},
}
CSV = (
    "key,label,count,responses,response_seconds_median,response_seconds_p90,next_actions_due,next_actions_overdue,"
    "by_type.call,by_type.email,by_outcome.no answer,by_outcome.reached\r\n"
    f"{CONTACT['owner_id']},Grace Hopper,42,7,5400.0,86400.0,3,1,30,12,9,21\r\n"
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" id="chart-figures" role="img"><title>Interactions by owner</title></svg>'
