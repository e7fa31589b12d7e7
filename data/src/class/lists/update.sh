#!/usr/bin/env bash
# Fetches the newest uap-core and crawler-user-agents from npm into this folder. Needs npm, Python 3 and PyYAML.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
for package in uap-core crawler-user-agents; do
  mkdir "$work/$package"
  tar xzf "$work/$(cd "$work" && npm pack --silent "$package")" -C "$work/$package" --strip-components 1
  sed -n 's/.*"version": "\(.*\)".*/'"$package"' \1/p' "$work/$package/package.json"
done
python3 - "$work" <<'PYTHON'
import json, sys, yaml
work = sys.argv[1]
agents = yaml.safe_load(open(f"{work}/uap-core/regexes.yaml"))
agents = {name: agents[name] for name in ("user_agent_parsers", "os_parsers")}
json.dump(agents, open("agents.json", "w"), separators=(",", ":"))
crawlers = json.load(open(f"{work}/crawler-user-agents/crawler-user-agents.json"))
json.dump([crawler["pattern"] for crawler in crawlers], open("crawlers.json", "w"), indent=0)
PYTHON
cp "$work/uap-core/LICENSE" agents.LICENSE
cp "$work/crawler-user-agents/LICENSE" crawlers.LICENSE
git diff --stat .
