"""Every alert fires on what it is about and ends when that ends, by promtool; and every alert can be acted on.

`python test_alerts.py --write` writes deploy/prometheus/tests/alerts.yaml from the cases below.
"""

import re
import sys
import unittest

import yaml

from support import DEPLOY, ROOT, program, run

PROMETHEUS = DEPLOY / "prometheus"
GENERATED = PROMETHEUS / "tests/alerts.yaml"
JOB = 'job="presign-gate"'
GATE = f'{JOB}, instance="gate-1"'


def requests(decision, status_class, values):
    return f'presign_gate_requests_total{{{GATE}, decision="{decision}", status_class="{status_class}"}}', values


def denied(stage, reason, values):
    return f'presign_gate_denied_total{{{GATE}, stage="{stage}", reason="{reason}"}}', values


# name, severity, labels of the alert, series by minute, the minutes at which it fires and at which it does not any more
CASES = [
    ("PresignGateDown", "critical", {"instance": "gate-1"}, [(f"up{{{GATE}}}", "1x5 0x20 1x20")], 10, 30),
    ("PresignGateErrorBudgetBurnFast", "critical", {},
     [requests("allow", "2xx", "0+600x300"), requests("allow", "5xx", "0+0x100 0+60x30 1800+0x170")], 125, 150),
    ("PresignGateErrorBudgetBurnSlow", "warning", {},
     [requests("allow", "2xx", "0+600x900"), requests("allow", "5xx", "0+0x100 0+6x400 2400+0x400")], 480, 560),
    ("PresignGateSlow", "warning", {},
     [(f'presign_gate_overhead_seconds_bucket{{{GATE}, decision="allow", le="0.01"}}', "0+60x20 1200+0x30 1200+60x50"),
      (f'presign_gate_overhead_seconds_bucket{{{GATE}, decision="allow", le="0.25"}}', "0+60x101"),
      (f'presign_gate_overhead_seconds_bucket{{{GATE}, decision="allow", le="+Inf"}}', "0+60x101")], 45, 70),
    ("PresignGateRefusalsJump", "warning", {},
     [requests("allow", "2xx", "0+600x200"), requests("deny", "4xx", "0+6x80 480+300x30 9480+6x80")], 100, 130),
    ("PresignGateSignatureFailures", "warning", {},
     [denied("auth", "wrong_signature", "0x10 0+300x30 9000+0x60")], 30, 55),
    ("PresignGateWrongNetwork", "warning", {"reason": "link_source_ip"},
     [denied("links", "link_source_ip", "0x10 0+10x20 200+0x60")], 25, 60),
    ("PresignGateUntrustedPeer", "warning", {"reason": "proxy_header"},
     [denied("request", "proxy_header", "0x10 0+5x20 100+0x60")], 25, 60),
    ("PresignGateSpentLinks", "info", {"reason": "link_max_uses"},
     [denied("links", "link_max_uses", "0x10 0+10x30 300+0x120")], 35, 130),
    ("PresignGateExpiredLinks", "info", {},
     [requests("allow", "2xx", "0+600x200"), denied("auth", "expired", "0+60x80 4800+0x120")], 70, 130),
    ("PresignGateShadowDenials", "info", {"document": "next.json"},
     [(f'presign_gate_shadow_denied_total{{{GATE}, document="next.json"}}', "0+1x120 120+0x120")], 110, 200),
    ("PresignGateRateLimited", "info", {"rule": "source_ip"},
     [(f'presign_gate_rate_limited_total{{{GATE}, rule="source_ip"}}', "0+120x40 4800+0x40")], 35, 60),
    ("PresignGateUpstreamFailing", "critical", {"upstream": "main"},
     [(f'presign_gate_upstream_requests_total{{{GATE}, upstream="main", status_class="2xx"}}', "0+600x80"),
      (f'presign_gate_upstream_requests_total{{{GATE}, upstream="main", status_class="none"}}',
       "0x10 0+100x20 2000+0x50")], 25, 45),
    ("PresignGateUpstreamCredentialsExpiring", "critical", {"upstream": "main"},
     [(f'presign_gate_upstream_credentials_expiry_timestamp_seconds{{{GATE}, upstream="main"}}', "3600x60 90000x60")],
     58, 70),
    ("PresignGateCertificateExpiring", "warning", {"listener": "0.0.0.0:8443"},
     [(f'presign_gate_tls_certificate_expiry_timestamp_seconds{{{GATE}, listener="0.0.0.0:8443"}}',
       "864000x120 99999999x120")], 90, 150),
    ("PresignGateCertificateLastDays", "critical", {"listener": "0.0.0.0:8443"},
     [(f'presign_gate_tls_certificate_expiry_timestamp_seconds{{{GATE}, listener="0.0.0.0:8443"}}',
       "86400x50 99999999x120")], 30, 70),
    ("PresignGateConfigReloadFailed", "warning", {"instance": "gate-1"},
     [(f"presign_gate_config_last_reload_successful{{{GATE}}}", "1x5 0x30 1x30")], 20, 50),
    ("PresignGateBuildsDiffer", "info", {},
     [(f'presign_gate_build_info{{{GATE}, version="1", revision="a"}}', "1x150 _x150"),
      (f'presign_gate_build_info{{{JOB}, instance="gate-2", version="2", revision="b"}}', "1x300")], 130, 200),
    ("PresignGateStoreErrors", "critical", {"instance": "gate-1"},
     [(f"presign_gate_store_errors_total{{{GATE}}}", "0x10 0+1x20 20+0x30")], 25, 50),
    ("PresignGateLogLinesLost", "warning", {"instance": "gate-1"},
     [(f"presign_gate_log_dropped_total{{{GATE}}}", "0x10 0+5x5 25+0x60")], 15, 50),
    ("PresignGateCodeFailed", "warning", {"instance": "gate-1"},
     [(f"presign_gate_panics_total{{{GATE}}}", "0x10 0+1x5 5+0x60")], 15, 50),
    ("PresignGateFileDescriptors", "warning", {"instance": "gate-1"},
     [(f"process_open_fds{{{GATE}}}", "10x5 90x30 10x30"), (f"process_max_fds{{{GATE}}}", "100x70")], 20, 50),
]


def rules():
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def generated():
    tests = []
    for name, severity, labels, series, fires, ends in CASES:
        rule = next(r for r in rules() if r["alert"] == name and r["labels"]["severity"] == severity)
        labels = {"job": "presign-gate", "severity": severity, **labels}
        fill = lambda text: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found.group(1)], text)
        annotations = {key: fill(text) for key, text in rule["annotations"].items()}
        expected = [{"exp_labels": labels, "exp_annotations": annotations}]
        tests.append({
            "name": f"{name} ({severity}) fires and ends",
            "interval": "1m",
            "input_series": [{"series": metric, "values": values} for metric, values in series],
            "alert_rule_test": [
                {"eval_time": f"{fires}m", "alertname": name, "exp_alerts": expected},
                {"eval_time": f"{ends}m", "alertname": name, "exp_alerts": []},
            ],
        })
    return {"rule_files": ["../recording.yaml", "../alerts.yaml"], "evaluation_interval": "1m", "tests": tests}


def text():
    head = "# Made by tests/deploy/test_alerts.py --write.   promtool test rules deploy/prometheus/tests/alerts.yaml\n"
    return head + yaml.safe_dump(generated(), sort_keys=False, width=110)


class Alerts(unittest.TestCase):
    def test_each_fires_and_ends(self):
        self.assertEqual(GENERATED.read_text(), text(), "run tests/deploy/test_alerts.py --write")
        run(program("promtool"), "test", "rules", str(GENERATED))

    def test_each_has_a_case(self):
        tested = {(name, severity) for name, severity, *_ in CASES}
        self.assertEqual({(rule["alert"], rule["labels"]["severity"]) for rule in rules()}, tested)

    def test_each_can_be_acted_on(self):
        headings = re.findall(r"^#+ (.+)$", (ROOT / "docs/runbooks.md").read_text(), re.M)
        for rule in rules():
            with self.subTest(rule["alert"]):
                self.assertRegex(rule["alert"], r"^PresignGate([A-Z][a-z]+)+$")
                self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
                self.assertIn("for", rule)
                notes = rule["annotations"]
                self.assertEqual(sorted(notes), ["description", "runbook_url", "summary"])
                self.assertTrue(all(note.endswith(".") for key, note in notes.items() if key != "runbook_url"))
                self.assertEqual(notes["runbook_url"], f"docs/runbooks.md#{rule['alert'].lower()}")
                self.assertIn(rule["alert"], headings)

    def test_the_files_are_what_prometheus_reads(self):
        run(program("promtool"), "check", "rules", *map(str, (PROMETHEUS / "recording.yaml", PROMETHEUS / "alerts.yaml")))
        run(program("promtool"), "check", "config", str(PROMETHEUS / "prometheus.yaml"))

    def test_recording_rules_are_named_by_level_metric_operations(self):
        groups = yaml.safe_load((PROMETHEUS / "recording.yaml").read_text())["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            level, metric, operations = rule["record"].split(":")
            self.assertTrue(level.startswith("job") and metric.startswith("presign_gate_"), rule["record"])
            by = ", ".join(re.findall("job|decision|status_class|stage|reason|upstream", level))
            self.assertIn(f"by ({by}", rule["expr"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        GENERATED.write_text(text())
    else:
        unittest.main()
