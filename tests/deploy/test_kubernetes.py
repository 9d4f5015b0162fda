"""The manifests, as kustomize and Helm make them, are what Kubernetes takes, restricted, and hold a good config."""

import json
import pathlib
import tempfile
import unittest

import jsonschema
import yaml

from support import DEPLOY, program, run
from test_configs import check

KUBERNETES, CHART = DEPLOY / "kubernetes", DEPLOY / "helm/presign-gate"
# kinds of operators have no schema in Kubernetes itself
FOREIGN = {"ServiceMonitor", "PrometheusRule"}


def made():
    """Every way to make manifests, with its objects."""
    kubectl = (program("kubectl"), "kustomize", "--load-restrictor", "LoadRestrictionsNone")
    for folder in ("base", "overlays/nlb", "overlays/prometheus-operator"):
        yield folder, list(yaml.safe_load_all(run(*kubectl, str(KUBERNETES / folder))))
    helm = (program("helm"), "template", "gate", str(CHART))
    yield "chart", [one for one in yaml.safe_load_all(run(*helm)) if one]
    for values in sorted((CHART / "ci").glob("*.yaml")):
        yield f"chart, {values.name}", [one for one in yaml.safe_load_all(run(*helm, "-f", str(values))) if one]


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = dict(made())

    def each(self, kind):
        """Every object of a kind, with those that are made together with it."""
        for name, objects in self.made.items():
            found = [one for one in objects if one["kind"] == kind]
            self.assertTrue(found, f"{name}: {kind}")
            for one in found:
                yield one, objects

    def test_they_have_the_fields_that_kubernetes_knows(self):
        for name, objects in self.made.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "all.yaml"
                path.write_text(yaml.safe_dump_all(one for one in objects if one["kind"] not in FOREIGN))
                report = run(program("kubernetes-validate"), "--strict", str(path))
                self.assertNotIn("WARN", report)

    def test_a_misspelt_field_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "all.yaml"
            path.write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomountToken: false\n")
            run(program("kubernetes-validate"), "--strict", str(path), ok=False)

    def test_pods_are_restricted(self):
        for deployment, _ in self.each("Deployment"):
            pod = deployment["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertFalse(pod["automountServiceAccountToken"])
            context = container["securityContext"]
            self.assertFalse(context["allowPrivilegeEscalation"])
            self.assertTrue(context["readOnlyRootFilesystem"])
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            self.assertTrue(all(mount["readOnly"] for mount in container["volumeMounts"]))
            self.assertGreater(pod["terminationGracePeriodSeconds"], 30)
            # what restarts a gate must not depend on stores
            self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/livez")
            self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")
            self.assertNotIn("latest", container["image"])

    def test_the_config_is_good_and_is_the_one_that_is_mounted(self):
        for deployment, objects in self.each("Deployment"):
            volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
            name = volumes["config"]["configMap"]["name"]
            (config,) = [one for one in objects if (one["kind"], one["metadata"]["name"]) == ("ConfigMap", name)]
            with tempfile.TemporaryDirectory() as folder:
                self.assertIn("1 file, 0 errors, 0 warnings", check(config["data"]["gate.yaml"], folder))

    def test_selectors_find_the_pods(self):
        for deployment, objects in self.each("Deployment"):
            labels = deployment["spec"]["template"]["metadata"]["labels"]
            for one in objects:
                spec = one.get("spec", {})
                selector = {"Service": lambda: spec["selector"], "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
                            "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"],
                            "Deployment": lambda: spec["selector"]["matchLabels"]}.get(one["kind"])
                if selector:
                    self.assertLessEqual(selector().items(), labels.items(), one["kind"])

    def test_the_network_policy_keeps_the_admin_port_to_itself(self):
        for policy, _ in self.each("NetworkPolicy"):
            for rule in policy["spec"]["ingress"]:
                if {"port": 9090} in rule["ports"]:
                    self.assertTrue(rule.get("from"), "the admin port is open to all")

    def test_the_rules_of_the_operator_are_those_of_prometheus(self):
        run(program("python"), "-B", str(KUBERNETES / "overlays/prometheus-operator/generate.py"), "--check")


class Chart(unittest.TestCase):
    def test_helm_finds_nothing(self):
        run(program("helm"), "lint", "--strict", str(CHART))

    def test_wrong_values_are_refused(self):
        for values in ("replicaCount=0", "image.digest=sha256:1", "service.type=Cluster", "unknown=1",
                       "config.admin.address=0.0.0.0:1", "existingSecret="):
            with self.subTest(values):
                run(program("helm"), "template", "gate", str(CHART), "--set", values, ok=False)

    def test_the_schema_knows_every_value(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        self.assertEqual(set(values) - set(schema["properties"]), set())

    def test_its_version_is_that_of_the_gate(self):
        import tomllib

        version = tomllib.loads((DEPLOY.parent / "Cargo.toml").read_text())["package"]["version"]
        self.assertEqual(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], version)


if __name__ == "__main__":
    unittest.main()
