"""The dashboards keep the rules of Grafana's dashboard-linter, re-made here since that cannot be installed offline.

Rules by their names there: template-datasource, template-job, template-instance, template-label-promql,
template-on-time-change-reload, panel-datasource, panel-title-description, panel-units, panel-no-targets, target-promql,
target-rate-interval, target-job, target-instance, target-counter-agg, target-histogram, uneditable-dashboard.
"""

import json
import re
import unittest

import promql_parser as promql

from support import DEPLOY, program, run

DASHBOARDS = DEPLOY / "grafana/dashboards"
# of Grafana's units, those that a reader of these boards meets
UNITS = {"short", "reqps", "ops", "s", "bytes", "Bps", "percentunit", "bool_yes_no"}


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def queries(board):
    """Panel and expression of every query, variables put in as Grafana would for a test."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel, target["expr"]


def filled(expr, **values):
    """The expression with variables as Grafana fills them in."""
    values = {"__rate_interval": "1m", "__range": "1h", "job": ".+", "instance": ".+"} | values
    return re.sub(r"\$(\w+)", lambda found: values[found.group(1)], expr)


def selectors(node, above=()):
    """Every vector selector with the nodes that it stands in, the innermost last."""
    if isinstance(node, promql.VectorSelector):
        yield node, above
        return
    for name in ("vector_selector", "expr", "lhs", "rhs", "param", "args"):
        below = getattr(node, name, None)
        for inner in below if isinstance(below, (list, tuple)) else [below]:
            if isinstance(inner, promql.Expr):
                yield from selectors(inner, (*above, node))
            elif isinstance(inner, promql.VectorSelector):
                yield inner, (*above, node)


def findings(board):
    """What is wrong with a dashboard, one text each."""
    found = []
    say = lambda rule, text: found.append(f"{rule}: {text}")
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    source = variables.get("datasource", {})
    if (source.get("type"), source.get("query"), source.get("label")) != ("datasource", "prometheus", "Data source"):
        say("template-datasource", "no variable `datasource` with the label `Data source`")
    for name in ("job", "instance"):
        variable = variables.get(name, {})
        if variable.get("label") != name.title() or variable.get("type") != "query":
            say(f"template-{name}", "no such variable")
        elif not variable["multi"] or variable["allValue"] != ".+" or variable["datasource"]["uid"] != "$datasource":
            say(f"template-{name}", "not multi, or without `.+` for all, or of another source")
    for variable in variables.values():
        if variable["type"] == "query" and variable["refresh"] != 2:
            say("template-on-time-change-reload", variable["name"])
        label = re.fullmatch(r"label_values\((.*), *\w+\)", variable["query"])
        if variable["type"] == "query":
            try:
                promql.parse(filled(label.group(1)))
            except (ValueError, AttributeError) as error:
                say("template-label-promql", f"{variable['name']}: {error}")
    if board["editable"]:
        say("uneditable-dashboard", board["title"])
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        if not panel["title"] or not panel["description"].endswith("."):
            say("panel-title-description", panel["title"])
        if panel["fieldConfig"]["defaults"]["unit"] not in UNITS:
            say("panel-units", panel["title"])
        if panel["datasource"]["uid"] != "$datasource":
            say("panel-datasource", panel["title"])
        if not panel["targets"]:
            say("panel-no-targets", panel["title"])
    for panel, expr in queries(board):
        try:
            parsed = promql.parse(filled(expr))
        except ValueError as error:
            say("target-promql", f"{panel['title']}: {error}")
            continue
        if any(text not in ("$__rate_interval", "$__range") for text in re.findall(r"\[([^\]]+)\]", expr)):
            say("target-rate-interval", f"{panel['title']}: {expr}")
        for selector, above in selectors(parsed):
            matchers = {matcher.name: (str(matcher.op), matcher.value) for matcher in selector.matchers.matchers}
            for name in ("job", "instance"):
                if name not in matchers or f'{name}=~"${name}"' not in expr:
                    say(f"target-{name}", f"{panel['title']}: {expr}")
            calls = [node.func.name for node in above if isinstance(node, promql.Call)]
            if selector.name.endswith("_total") and (not calls or calls[-1] not in ("rate", "increase")):
                say("target-counter-agg", f"{panel['title']}: {expr}")
            if selector.name.endswith("_bucket") and "histogram_quantile" not in calls:
                say("target-histogram", f"{panel['title']}: {expr}")
    return found


class Dashboards(unittest.TestCase):
    def test_the_json_is_what_the_generator_makes(self):
        run(program("python"), "-B", str(DEPLOY / "grafana/generate.py"), "--check")

    def test_the_rules_are_kept(self):
        for name, board in dashboards().items():
            with self.subTest(name):
                self.assertEqual(findings(board), [])

    def test_each_rule_can_be_broken(self):
        def broken(change):
            board = next(iter(dashboards().values()))
            change(board, board["panels"][1], board["templating"]["list"])
            return {finding.split(":")[0] for finding in findings(board)}

        def query(expr):
            return lambda board, panel, variables: panel["targets"][0].update(expr=expr)

        for rule, change in {
            "template-datasource": lambda b, p, v: v[0].update(label="Source"),
            "template-job": lambda b, p, v: v[1].update(multi=False),
            "template-instance": lambda b, p, v: v.pop(2),
            "template-label-promql": lambda b, p, v: v[1].update(query="label_values(a{, job)"),
            "template-on-time-change-reload": lambda b, p, v: v[1].update(refresh=1),
            "uneditable-dashboard": lambda b, p, v: b.update(editable=True),
            "panel-title-description": lambda b, p, v: p.update(description=""),
            "panel-units": lambda b, p, v: p["fieldConfig"]["defaults"].update(unit="parsecs"),
            "panel-datasource": lambda b, p, v: p["datasource"].update(uid="abc"),
            "panel-no-targets": lambda b, p, v: p.update(targets=[]),
            "target-promql": query("sum("),
            "target-rate-interval": query('rate(a_total{job=~"$job", instance=~"$instance"}[5m])'),
            "target-job": query('a{instance=~"$instance"}'),
            "target-instance": query('a{job=~"$job"}'),
            "target-counter-agg": query('sum(a_total{job=~"$job", instance=~"$instance"})'),
            "target-histogram": query('rate(a_bucket{job=~"$job", instance=~"$instance"}[$__rate_interval])'),
        }.items():
            with self.subTest(rule):
                self.assertEqual(broken(change), {rule})

    def test_they_are_found_and_told_apart(self):
        boards = dashboards()
        self.assertEqual(len({board["uid"] for board in boards.values()}), len(boards))
        for name, board in boards.items():
            self.assertEqual(f"{board['uid']}.json", name)
            ids = [panel["id"] for panel in board["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in board["panels"]:
                self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24, panel["title"])


if __name__ == "__main__":
    unittest.main()
