#!/usr/bin/env python3
"""Writes the dashboards beside it, from the panels below.   usage: generate.py [--check]

The JSON is what Grafana loads; this file is what people change. With --check nothing is written, and the exit code says
whether the JSON is that of the panels. `tests/deploy` lints the JSON and runs every query against a real Prometheus.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent / "dashboards"
GATE = 'job=~"$job", instance=~"$instance"'
RATE = "$__rate_interval"


def rate(metric, by="", where=""):
    """The sum of the rates of a counter."""
    labels = ", ".join(filter(None, [GATE, where]))
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{labels}}}[{RATE}]))"


def gauge(metric, by="", how="sum", where=""):
    labels = ", ".join(filter(None, [GATE, where]))
    return f"{how}{f' by ({by})' if by else ''} ({metric}{{{labels}}})"


def quantile(q, metric, by="", where=""):
    labels = ", ".join(filter(None, [GATE, where]))
    groups = ", ".join(filter(None, ["le", by]))
    return f"histogram_quantile({q}, sum by ({groups}) (rate({metric}_bucket{{{labels}}}[{RATE}])))"


def quantiles(metric, by="", legend="", qs=(0.5, 0.95, 0.99)):
    legend = f"{legend} " if legend else ""
    return [(quantile(q, metric, by), f"{legend}p{round(q * 100)}") for q in qs]


def share(part, whole):
    """`part` of `whole`; no data where nothing happened."""
    return f"{part} / ({whole} > 0)"


def graph(title, description, unit, *targets, width=8, stack=False, axis=None):
    return dict(type="timeseries", title=title, description=description, unit=unit, targets=targets, width=width,
                stack=stack, axis=axis)


def stat(title, description, unit, expr, steps=(), decimals=None):
    return dict(type="stat", title=title, description=description, unit=unit, targets=[(expr, title)], width=4,
                steps=steps, decimals=decimals)


def table(title, description, unit, expr, width=12):
    return dict(type="table", title=title, description=description, unit=unit, targets=[(expr, "")], width=width)


REQUESTS = "presign_gate_requests_total"
OK, WARN, BAD = "green", "orange", "red"

OVERVIEW = [
    "At a glance",
    stat("Gates", "Processes that answer Prometheus.", "short", f"count(up{{{GATE}}} == 1)"),
    stat("Requests", "Requests that ended, per second.", "reqps", rate(REQUESTS), decimals=1),
    stat("Failed", "Share of requests that ended in a server error. Refusals are not failures.", "percentunit",
         share(rate(REQUESTS, where='status_class="5xx"'), rate(REQUESTS)), [(None, OK), (0.001, WARN), (0.01, BAD)]),
    stat("Refused", "Share of requests that the gate refused.", "percentunit",
         share(rate(REQUESTS, where='decision="deny"'), rate(REQUESTS))),
    stat("Overhead p99", "Time from the head of a request to the decision: what the gate itself costs.", "s",
         quantile(0.99, "presign_gate_overhead_seconds"), [(None, OK), (0.005, WARN), (0.025, BAD)]),
    stat("Config", "1 while the config that was read last is in force, 0 after one that was refused.", "bool_yes_no",
         gauge("presign_gate_config_last_reload_successful", how="min"), [(None, BAD), (1, OK)]),
    "Rate",
    graph("Requests by decision", "Allowed by a policy, refused, or passed to the store because nothing matches.",
          "reqps", (rate(REQUESTS, "decision"), "{{decision}}"), stack=True),
    graph("Requests by operation", "S3 operations; `unknown` is what could not be told.", "reqps",
          (rate(REQUESTS, "operation"), "{{operation}}"), stack=True),
    graph("Requests by bucket", "Buckets of the config; everything else is `other`.", "reqps",
          (rate(REQUESTS, "bucket"), "{{bucket}}"), stack=True),
    "Errors",
    graph("Answers by class", "`none` is a request that got no answer: its client went away, or a transfer broke.",
          "reqps", (rate(REQUESTS, "status_class"), "{{status_class}}"), stack=True),
    graph("Failures by reason", "What came after the checks: stores, clients that leave, faults of the gate.", "reqps",
          (rate("presign_gate_denied_total", "reason", 'stage="upstream"'), "{{reason}}")),
    graph("Refusals by stage", "Which stage refused. Reasons and paths: dashboard \"denials\".", "reqps",
          (rate("presign_gate_denied_total", "stage", 'stage!="upstream"'), "{{stage}}"), stack=True),
    "Duration",
    graph("Duration", "From the first byte of a request to the last byte of its answer: large objects take long.", "s",
          *quantiles("presign_gate_request_duration_seconds")),
    graph("Duration by operation, p95", "The slow twentieth of each operation.", "s",
          (quantile(0.95, "presign_gate_request_duration_seconds", "operation"), "{{operation}}")),
    graph("Overhead by decision, p99", "What the gate adds, without waiting for client or store.", "s",
          (quantile(0.99, "presign_gate_overhead_seconds", "decision"), "{{decision}}")),
    "Traffic",
    graph("Bytes", "Bodies taken from clients and sent to them.", "Bps",
          (rate("presign_gate_request_body_bytes_total"), "from clients"),
          (rate("presign_gate_response_body_bytes_total"), "to clients"), width=12),
    graph("In flight", "Requests whose answer is not finished.", "short",
          (gauge("presign_gate_requests_in_flight", "instance"), "{{instance}}"), width=12),
]

DENIALS = [
    "Who is refused, and why",
    graph("Refusals by reason", "The table of reasons is in the reference; each is one check that failed.", "reqps",
          (rate("presign_gate_denied_total", "reason", 'stage!="upstream"'), "{{reason}}"), width=16, stack=True),
    graph("Share refused", "Of all requests that ended.", "percentunit",
          (share(rate(REQUESTS, where='decision="deny"'), rate(REQUESTS)), "refused"), axis=(0, 1)),
    table("Refusals in this range", "Every reason that occurred in the range of the dashboard.", "short",
          f"sort_desc(sum by (stage, reason) (increase(presign_gate_denied_total{{{GATE}}}[$__range])) > 0)"),
    graph("Authentications", "By kind of signature and how it came out.", "reqps",
          (rate("presign_gate_auth_total", "scheme, result"), "{{scheme}} {{result}}"), width=12),
    "Networks",
    graph("Requests by proof", "How the network path was proven: by the peer itself, by a PROXY header, by a forwarding "
          "header of a trusted peer, or not at all.", "reqps",
          (rate("presign_gate_network_identity_total", "proof"), "{{proof}}"), stack=True),
    graph("Wrong network", "Refused for where they came from: unknown paths, and links bound to another network.",
          "reqps", (rate("presign_gate_denied_total", "reason", 'reason=~"unknown_network|link_source_.*|link_pin|'
                         'proxy_header|forwarded_header"'), "{{reason}}")),
    graph("Refused connections", "Before their first request: no PROXY header where one must be, or too many.", "reqps",
          (rate("presign_gate_denied_total", "reason", 'reason=~"proxy_header|connection_limit"'), "{{reason}}")),
    "Policies",
    graph("Denying statements", "Deny statements that matched.", "reqps",
          (rate("presign_gate_policy_matches_total", "document, sid", 'effect="Deny"'), "{{document}} {{sid}}")),
    graph("Allowing statements", "Allow statements that matched; one that never does can go.", "reqps",
          (rate("presign_gate_policy_matches_total", "document, sid", 'effect="Allow"'), "{{document}} {{sid}}")),
    graph("Shadow denials", "What policies under `policy.shadow` would refuse if they were in force.", "reqps",
          (rate("presign_gate_shadow_denied_total", "document"), "{{document}}")),
    "Limits",
    graph("Rate limits", "Requests over a limit, by the rule that stopped them.", "reqps",
          (rate("presign_gate_rate_limited_total", "rule"), "{{rule}}"), width=24),
]

LINKS = [
    "Use",
    graph("Time left", "For how long links are still valid when they are used: much more than needed is a risk.", "s",
          *quantiles("presign_gate_link_validity_remaining_seconds", qs=(0.1, 0.5, 0.9)), width=12),
    graph("Age", "How long ago links were signed when they are used.", "s",
          *quantiles("presign_gate_link_age_seconds", qs=(0.5, 0.9, 0.99)), width=12),
    graph("Used too late", "Expired, signed for a time that is too far away, or by a retired key.", "reqps",
          (rate("presign_gate_denied_total", "reason", 'reason=~"expired|expired_token|not_yet_valid|clock_skew|retired_key|'
                'lifetime_too_long"'), "{{reason}}"), width=12),
    graph("Wrong signatures", "Links that were changed, guessed, or signed with another secret.", "reqps",
          (rate("presign_gate_denied_total", "reason", 'reason=~"wrong_signature|unknown_key|bad_token"'),
           "{{reason}}"), width=12),
    graph("What happened to signatures", "Why they do not hold: what a proxy, a client or a signer changed, as the signature "
          "doctor found out.", "reqps",
          (rate("presign_gate_signature_diagnoses_total", "cause"), "{{cause}}"), width=24),
    "Constraints",
    graph("Kept", "Constraints that were signed into links, and kept.", "reqps",
          (rate("presign_gate_link_constraints_total", "constraint", 'result="kept"'), "{{constraint}}")),
    graph("Broken", "Constraints that stopped a request.", "reqps",
          (rate("presign_gate_link_constraints_total", "constraint", 'result="broken"'), "{{constraint}}")),
    graph("Spent or revoked", "Links that were good once.", "reqps",
          (rate("presign_gate_denied_total", "reason", 'reason=~"link_revoked|link_max_.*|link_pin|link_busy"'),
           "{{reason}}")),
    "State",
    graph("Tracked links", "Links whose uses are counted.", "short", (gauge("presign_gate_links_tracked", how="max"),
                                                                     "links")),
    graph("Revocations", "Entries in force.", "short", (gauge("presign_gate_revocations", how="max"), "entries")),
    graph("Store errors", "Reads and writes of link state that failed: links with state are refused meanwhile.", "ops",
          (rate("presign_gate_store_errors_total", "instance"), "{{instance}}")),
    graph("Store time", "What the store of link state takes.", "s", *quantiles("presign_gate_store_duration_seconds"),
          width=24),
]

UPSTREAMS = [
    "Requests",
    graph("Requests by upstream", "Requests that were sent to a store.", "reqps",
          (rate("presign_gate_upstream_requests_total", "upstream"), "{{upstream}}"), stack=True),
    graph("Failed", "Share that ended in a server error or without an answer, by store.", "percentunit",
          (share(rate("presign_gate_upstream_requests_total", "upstream", 'status_class=~"5xx|none"'),
                 rate("presign_gate_upstream_requests_total", "upstream")), "{{upstream}}")),
    graph("Answers by class", "What stores answered.", "reqps",
          (rate("presign_gate_upstream_requests_total", "upstream, status_class"), "{{upstream}} {{status_class}}"),
          stack=True),
    "Time",
    graph("Time to first byte", "Until a store begins to answer.", "s",
          *quantiles("presign_gate_upstream_time_to_first_byte_seconds", "upstream", "{{upstream}}", (0.5, 0.99)),
          width=12),
    graph("Retries", "Requests that were sent again because the first attempt failed.", "reqps",
          (rate("presign_gate_upstream_retries_total", "upstream"), "{{upstream}}"), width=12),
    "Health and credentials",
    graph("Endpoints", "Addresses of a store, by state.", "short",
          (gauge("presign_gate_upstream_endpoints", "upstream, state"), "{{upstream}} {{state}}")),
    graph("Credentials", "Time until the gate's own credentials for a store expire.", "s",
          (gauge("presign_gate_upstream_credentials_expiry_timestamp_seconds", "upstream", "min") + " - time()",
           "{{upstream}}")),
    graph("Certificates", "Time until the certificate of a listener expires.", "s",
          (gauge("presign_gate_tls_certificate_expiry_timestamp_seconds", "listener", "min") + " - time()",
           "{{listener}}")),
]

RESOURCES = [
    "Utilisation",
    graph("CPU", "Cores in use.", "short", (rate("process_cpu_seconds_total", "instance"), "{{instance}}")),
    graph("Memory", "Resident. It does not depend on the size of objects.", "bytes",
          (gauge("process_resident_memory_bytes", "instance"), "{{instance}}")),
    graph("File descriptors", "Share of the limit in use; a connection takes one, a relayed request two.",
          "percentunit", (f'max by (instance) (process_open_fds{{{GATE}}} / process_max_fds{{{GATE}}})',
                          "{{instance}}"), axis=(0, 1)),
    "Saturation",
    graph("Connections", "Open client connections by listener.", "short",
          (gauge("presign_gate_connections", "listener"), "{{listener}}")),
    graph("In flight", "Requests whose answer is not finished.", "short",
          (gauge("presign_gate_requests_in_flight", "instance"), "{{instance}}")),
    graph("Threads", "Threads of the process.", "short", (gauge("process_threads", "instance"), "{{instance}}")),
    "Faults",
    graph("Lost log lines, failed code",
          "Lines of the access and audit logs that could not be written, spans that were dropped, and requests in which "
          "the code of the gate failed.", "short",
          (f"sum by (instance) (increase(presign_gate_log_dropped_total{{{GATE}}}[{RATE}]))", "{{instance}}"),
          (f"sum by (instance) (increase(presign_gate_trace_spans_dropped_total{{{GATE}}}[{RATE}]))",
           "{{instance}} spans"),
          (f"sum by (instance) (increase(presign_gate_panics_total{{{GATE}}}[{RATE}]))", "{{instance}} code failed")),
    graph("Reloads", "Times that the config was read again, by how it came out.", "short",
          (f"sum by (result) (increase(presign_gate_config_reloads_total{{{GATE}}}[{RATE}]))", "{{result}}")),
    graph("Age of the config", "Time since the config in force was read: replicas that differ serve different rules.",
          "s", ("time() - " + gauge("presign_gate_config_last_reload_timestamp_seconds", "instance", "max"),
                "{{instance}}")),
    table("Builds", "Which build runs where.", "short", gauge("presign_gate_build_info", "instance, version, revision"),
          width=16),
    graph("Uptime", "Time since the process started.", "s",
          ("time() - " + gauge("process_start_time_seconds", "instance", "max"), "{{instance}}")),
]

DASHBOARDS = [
    ("overview", "Rate, errors and duration of what goes through the gate.", OVERVIEW),
    ("denials", "What is refused, why, and from which networks.", DENIALS),
    ("links", "How links are used, and what becomes of those with limits.", LINKS),
    ("upstreams", "The stores behind the gate, and what is about to expire.", UPSTREAMS),
    ("resources", "What the process takes, and what saturates.", RESOURCES),
]

SOURCE = {"type": "prometheus", "uid": "$datasource"}


def variable(name, label, query):
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "query": query, "definition": query,
        "multi": True, "includeAll": True, "allValue": ".+", "refresh": 2, "sort": 1,
        "current": {"text": ["All"], "value": ["$__all"]}, "options": [],
    }


def panel(number, spec, x, y):
    height = 4 if spec["type"] == "stat" else 8
    defaults = {"unit": spec["unit"]}
    options = {}
    if spec["type"] == "timeseries":
        custom = {"fillOpacity": 10, "showPoints": "never", "spanNulls": False}
        if spec["stack"]:
            custom.update(stacking={"mode": "normal", "group": "A"}, fillOpacity=30)
        defaults.update(custom=custom, min=0)
        if spec["axis"]:
            defaults.update(min=spec["axis"][0], max=spec["axis"][1])
        options = {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"]},
                   "tooltip": {"mode": "multi", "sort": "desc"}}
    elif spec["type"] == "stat":
        steps = spec["steps"] or [(None, "text")]
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"value": v, "color": c} for v, c in steps]}
        if spec["decimals"] is not None:
            defaults["decimals"] = spec["decimals"]
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    targets = []
    for letter, (expr, legend) in zip("ABCDEFGH", spec["targets"]):
        target = {"refId": letter, "expr": expr, "legendFormat": legend, "datasource": SOURCE}
        if spec["type"] == "table":
            target.update(instant=True, format="table")
        targets.append(target)
    made = {
        "id": number, "type": spec["type"], "title": spec["title"], "description": spec["description"],
        "datasource": SOURCE, "gridPos": {"x": x, "y": y, "w": spec["width"], "h": height}, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
    }
    if spec["type"] == "table":
        made["transformations"] = [{"id": "organize", "options": {"excludeByName": {"Time": True}}}]
    return made


def dashboard(name, description, rows):
    panels, x, y, height = [], 0, 0, 0
    for number, spec in enumerate(rows, 1):
        if isinstance(spec, str):
            y, x, height = y + height, 0, 0
            panels.append({"id": number, "type": "row", "title": spec, "collapsed": False, "panels": [],
                           "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
            y += 1
            continue
        if x + spec["width"] > 24:
            y, x, height = y + height, 0, 0
        made = panel(number, spec, x, y)
        panels.append(made)
        x, height = x + spec["width"], max(height, made["gridPos"]["h"])
    return {
        "uid": f"presign-gate-{name}", "title": f"presign-gate: {name}", "description": description,
        "tags": ["presign-gate"], "schemaVersion": 39, "version": 1, "editable": False, "timezone": "browser",
        "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "links": [{"type": "dashboards", "title": "presign-gate", "tags": ["presign-gate"], "asDropdown": True,
                   "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "",
                   "url": ""}],
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
             "current": {}, "options": [], "hide": 0},
            variable("job", "Job", "label_values(presign_gate_build_info, job)"),
            variable("instance", "Instance", 'label_values(presign_gate_build_info{job=~"$job"}, instance)'),
        ]},
        "annotations": {"list": [{
            "name": "Config", "datasource": SOURCE, "enable": True, "iconColor": "blue", "titleFormat": "config read",
            "expr": f'changes(presign_gate_config_last_reload_timestamp_seconds{{{GATE}}}[1m]) > 0',
        }]},
        "panels": panels,
    }


def main():
    stale = []
    for name, description, rows in DASHBOARDS:
        path = HERE / f"presign-gate-{name}.json"
        text = json.dumps(dashboard(name, description, rows), indent=2) + "\n"
        if "--check" in sys.argv[1:]:
            stale += [] if path.exists() and path.read_text() == text else [path.name]
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"not what generate.py makes: {', '.join(stale)}")


if __name__ == "__main__":
    main()
