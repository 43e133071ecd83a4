"""The dashboard for Grafana, compared with the metrics of a running service."""

import json
import re

from tests.conftest import ROOT
from tests.gateway.conftest import Served

DASHBOARD = ROOT / "docker" / "grafana.json"


def test_the_dashboard_shows_metrics_that_the_service_has(served: Served) -> None:
    """Every name in a query is one of a running service, and every metric is shown."""
    served.ask("livez")
    served.ask("search", query="事务", **{"in": "docs"})
    served.ask("enrich", b'{"text": "ocean"}')
    text = served.ask("metrics", base=served.admin).body.decode()
    known = {
        line.partition(" ")[0].partition("{")[0] for line in text.splitlines() if not line.startswith("#")
    }
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [one["definition"] for one in dashboard["templating"]["list"] if "definition" in one]
    used = {name for query in queries for name in re.findall(r"enricher_\w+", query)}
    assert used <= known
    assert {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in known} == {
        re.sub(r"_bucket$", "", name) for name in used
    } | {re.sub(r"_total$", "", name) for name in used if name.endswith("_total")}
    assert all(query.count("(") == query.count(")") for query in queries)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
