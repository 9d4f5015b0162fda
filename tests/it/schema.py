"""Validates config files against the schema that the gate prints.

usage: schema.py SCHEMA GOOD.yaml... -- BAD.yaml...
Exits 1 and says which file came out otherwise.
"""

import json
import sys

import jsonschema
import yaml

class Loader(yaml.SafeLoader):
    """Takes a time for a text, as YAML 1.2 does."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
split = sys.argv.index("--")
wrong = 0
for names, good in ((sys.argv[2:split], True), (sys.argv[split + 1 :], False)):
    for name in names:
        with open(name, encoding="utf-8") as file:
            errors = [error.message for error in validator.iter_errors(yaml.load(file, Loader))]
        if good == bool(errors):
            wrong += 1
            print(f"{name}: {errors or 'nothing is wrong with it'}")
sys.exit(1 if wrong else 0)
