"""check.py SCHEMA FILE: FILE follows the Compose Specification, and is a careful Compose file."""

import json
import sys

import jsonschema
import yaml

ONES = {"kafka", "elasticsearch", "kibana", "s3", "setup", "producer", "speed", "archive", "batch", "serve"}


def schema_complaints(schema, compose):
    checker = jsonschema.Draft202012Validator(schema)
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in checker.iter_errors(compose)]


def complaints(compose):
    services = compose["services"]
    yield from (f"the service {name} is missing" for name in ONES - services.keys())
    for name, service in services.items():
        ours, once = "build" in service, service.get("restart") == "on-failure"
        if "mem_limit" not in service:
            yield f"{name} has no memory limit"
        if not (ours or once or "test" in service.get("healthcheck", {})):
            yield f"{name} has no health check"
        yield from (f"{name} is open to the network: {port}" for port in service.get("ports", []) if not port.startswith("127.0.0.1:"))
        image = service["image"]
        if image != "twofold" and image.rpartition(":")[2] in ("latest", image):
            yield f"{name}: {image} may be another one tomorrow"
        if ours:
            yield from (f"{name}: {key} is not {value}" for key, value in HARMLESS.items() if service.get(key) != value)
            if service.get("user", "0").startswith("0"):
                yield f"{name} runs as root"
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name} waits for {other}, which is not there"
            elif how["condition"] == "service_completed_successfully" and services[other].get("restart") != "on-failure":
                yield f"{name} waits for the end of {other}, which never ends"


# Without `never`, Compose would ask Docker Hub for an image called twofold before it builds ours.
HARMLESS = {"pull_policy": "never", "read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}


def main(schema, path):
    with open(schema) as file:
        schema = json.load(file)
    with open(path) as file:
        compose = yaml.safe_load(file)
    found = schema_complaints(schema, compose) + list(complaints(compose))
    # A check that can't fail is none.
    wrong = json.loads(json.dumps(compose))
    wrong["services"]["speed"].update(mem_limits="1g", read_only=False, ports=["8080:8080"])
    if len(schema_complaints(schema, wrong) + list(complaints(wrong))) < len(found) + 3:
        found.append("the check itself overlooks mistakes")
    for complaint in found:
        print(f"{path}: {complaint}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
