"""What other programs' own readers say: `check.py prometheus FILE`, `check.py compose FILE`, `check.py words FILE`."""

import json
import sys

import yaml
from compose_spec import PyCompose
from prometheus_client.parser import text_fd_to_metric_families


def prometheus(file):
    """Prints every series as Prometheus's own client library reads it, one a line, sorted."""
    families = list(text_fd_to_metric_families(open(file, encoding="utf-8")))
    assert families and all(family.documentation and family.type != "unknown" for family in families), families
    for family in families:
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            print(f"{family.type} {sample.name}{{{labels}}} {float(sample.value)}")


def compose(file):
    """Fails on anything that the specification of Compose files does not know."""
    text = open(file, encoding="utf-8").read()
    PyCompose.from_yaml(text).validate()
    print(" ".join(yaml.safe_load(text)["services"]))


def words(file):
    """Prints what tunectl is called with in each container of the manifests, and the files of each ConfigMap."""
    for document in yaml.safe_load_all(open(file, encoding="utf-8")):
        spec = document.get("spec", {})
        pod = spec.get("template", {}).get("spec", spec)
        for container in pod.get("initContainers", []) + pod.get("containers", []):
            if "args" in container:
                print(json.dumps({"args": container["args"]}))
        for name, text in document.get("data", {}).items():
            print(json.dumps({"file": name, "text": text}))


{"prometheus": prometheus, "compose": compose, "words": words}[sys.argv[1]](sys.argv[2])
