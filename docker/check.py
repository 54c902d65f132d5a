"""What the schema of docker-compose.yml does not ask: that names lead somewhere, and that nothing is left open."""

import pathlib
import re
import sys

import yaml

TEXT = pathlib.Path("docker-compose.yml").read_text()
FILE = yaml.safe_load(TEXT)
SERVICES = FILE["services"]
PROFILES = {"embedded", "postgres", "kurrentdb"}
wrong = []


def expect(holds, sentence):
    if not holds:
        wrong.append(sentence)


def sources(entries, key):
    return [entry[key] if isinstance(entry, dict) else entry.split(":")[0] for entry in entries]


used = {"secrets": set(), "configs": set(), "volumes": set(), "networks": set()}
for name, service in SERVICES.items():
    profiles = set(service.get("profiles", []))
    expect(profiles and profiles <= PROFILES, f"{name} is of no profile, or of an unknown one")
    for kind in ("secrets", "configs", "volumes"):
        used[kind] |= set(sources(service.get(kind, []), "source"))
    used["networks"] |= set(service.get("networks", []))
    for other in service.get("depends_on", {}):
        expect(profiles <= set(SERVICES.get(other, {}).get("profiles", [])), f"{name} waits for {other}, which is not there in each of its profiles")

    image = service["image"]
    # whose image says who it runs as and where it writes
    theirs = image.startswith("kurrentplatform/")
    own = image.startswith("tidings:") and "build" in service
    expect(own or re.search(r":\d+\.\d+(\.\d+)?(-\w+)?(@sha256:[0-9a-f]{64})?$", image), f"{name}: {image} names no exact version")
    once = service["restart"] == "no"
    expect(once or "test" in service.get("healthcheck", {}), f"{name} has no health check")
    expect(once or service["restart"] == "unless-stopped", f"{name} is not started again")
    expect(service.get("cap_drop") == ["ALL"], f"{name} keeps capabilities")
    expect("no-new-privileges:true" in service.get("security_opt", []), f"{name} may gain privileges")
    expect({"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), f"{name} has no limits")
    expect(theirs or service["read_only"] is True, f"{name} writes to its image")
    expect(theirs or "user" in service, f"{name} runs as root, or as whoever its image says")
    for variable, value in service.get("environment", {}).items():
        secret = re.search("PASSWORD|SECRET|_KEY$", variable) and not variable.endswith("_FILE")
        expect(not secret, f"{name}: {variable} is a secret in the environment")
        expect("://" not in str(value), f"{name}: {variable} is a connection string in the environment")

for kind, names in used.items():
    declared = set(FILE[kind])
    expect(names <= declared, f"{kind} that are not declared: {sorted(names - declared)}")
    expect(declared <= names, f"{kind} that nobody uses: {sorted(declared - names)}")
for name, config in FILE["configs"].items():
    expect(pathlib.Path(config["file"]).is_file(), f"the config {name} is no file")
ignored = pathlib.Path(".gitignore").read_text().split()
expect({"/docker/secrets", "/.env"} <= set(ignored), "secrets are not ignored by git")
expect(not re.search(r"\$\{\w*(PASSWORD|SECRET)\w*:?-", TEXT), "a password has a default")

for sentence in wrong:
    print(f"docker-compose.yml: {sentence}", file=sys.stderr)
sys.exit(1 if wrong else 0)
