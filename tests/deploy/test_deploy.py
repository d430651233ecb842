"""What deploy/ starts, as far as it can be tested without a container engine or a cluster.

Schemas of Compose and Kubernetes say that the files are well formed; the command in them is given
to the program itself, with the paths of this machine put in place of those of a container.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lrwatch_dashboard.server
import pytest
from click.testing import CliRunner
from dockerfile import instructions
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.command import dashboard
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.security.people import new_token
from sources import ROOT

pytestmark = pytest.mark.slow

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install pyyaml")

DEPLOY = ROOT / "deploy"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
KUBERNETES = "1.31"
"""The oldest version that the manifests are held against; the latest known is the other."""

USER = next(step.value for step in instructions(ROOT / "Dockerfile") if step.keyword == "USER")
PORT = next(step.value for step in instructions(ROOT / "Dockerfile") if step.keyword == "EXPOSE")


def documents(kind: str = "") -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if kind in ("", document["kind"]):
                yield document


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return found


def pod() -> dict[str, Any]:
    (deployment,) = documents("Deployment")
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    (only,) = pod()["containers"]
    return dict(only)


# -- well formed -------------------------------------------------------------------------------


def test_compose_files_are_what_the_compose_specification_allows() -> None:
    pytest.importorskip("check_jsonschema", reason="pip install check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ended = subprocess.run([*command, *COMPOSE], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_manifests_are_what_kubernetes_allows() -> None:
    """Strictly: a field that it does not know is a field misspelt."""
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason="pip install kubernetes-validate"
    )
    kinds = []
    for document in documents():
        for version in (KUBERNETES, kubernetes_validate.latest_version()):
            kubernetes_validate.validate(document, version, strict=True)
        kinds.append(document["kind"])
    wanted = ["Deployment", "Ingress", "Ingress", "NetworkPolicy", "Secret", "Service"]
    assert sorted(kinds) == sorted([*wanted, "PersistentVolumeClaim"])


def test_the_linters_notice_a_slip(tmp_path: Path) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    (deployment,) = documents("Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES, strict=True)
    (tmp_path / "compose.yaml").write_text("services: {a: {imag: x}}")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ended = subprocess.run(
        [*command, tmp_path / "compose.yaml"], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 1


# -- what stands in them fits together ---------------------------------------------------------


def test_the_pod_has_no_rights_that_it_does_not_need() -> None:
    """What the Pod Security Standard "restricted" asks, and a file system that stays as it is."""
    spec, only = pod(), container()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert str(spec["securityContext"]["runAsUser"]) == USER
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} == only["resources"]["requests"].keys()
    assert {"cpu", "memory"} == only["resources"]["limits"].keys()
    kinds = {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]}
    assert kinds <= {"persistentVolumeClaim", "secret", "emptyDir"}


def test_the_containers_of_compose_have_none_either() -> None:
    services = {**compose("compose.oidc.yaml")["services"], **compose()["services"]}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        # Docker opens a published port to the network, whatever the machine's firewall says.
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert USER in compose()["services"]["lrwatch"]["user"]


def test_parts_of_the_manifests_find_one_another() -> None:
    names = {document["kind"]: document for document in documents()}
    labels = names["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert names["Service"]["spec"]["selector"].items() <= labels.items()
    assert names["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert names["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    assert {mount["name"] for mount in container()["volumeMounts"]} == volumes.keys()
    claim = volumes["runs"]["persistentVolumeClaim"]["claimName"]
    assert claim == names["PersistentVolumeClaim"]["metadata"]["name"]
    secret = names["Secret"]
    assert volumes["people"]["secret"]["secretName"] == secret["metadata"]["name"]
    assert {item["key"] for item in volumes["people"]["secret"]["items"]} <= secret[
        "stringData"
    ].keys()
    backend = next(documents("Ingress"))["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    assert backend["service"]["name"] == names["Service"]["metadata"]["name"]
    assert {str(port["containerPort"]) for port in container()["ports"]} == {PORT}
    # Only one watcher may send the alerts, also while a new pod takes over.
    assert names["Deployment"]["spec"]["replicas"] == 1
    assert names["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}


def test_no_secret_is_in_the_files(tmp_path: Path) -> None:
    (secret,) = documents("Secret")
    assert not re.search(r"[0-9a-f]{64}", secret["stringData"]["people"])
    text = "".join(path.read_text(encoding="utf-8") for path in COMPOSE)
    for line in re.findall(r"(?m)^.*SECRET: (.*)$", text):
        assert line.startswith("${")
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/deploy/people", "/deploy/.env"} <= {*ignored}


# -- what they start ---------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that runs the command of a container; it returns what would be served."""
    shutil.copytree(ROOT / "sample_runs", tmp_path / "runs")
    new_token("ann", "editor", tmp_path / "people")
    served: list[Any] = []

    def serve(listener: socket.socket, root: str, access: Any, **how: Any) -> None:
        served.append((listener.getsockname(), root, access, how))
        listener.close()

    def start(command: list[str], environment: dict[str, str]) -> Any:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert command[:2] == ["lrwatch", "dashboard"]
        places = {"/runs": str(tmp_path / "runs")}
        arguments = [places.get(argument, argument) for argument in command[2:]]
        arguments = [re.sub(r"=/.*/people$", f"={tmp_path / 'people'}", a) for a in arguments]
        assert not any(argument.startswith("--port") for argument in arguments)
        with socket.create_server(("", 0)) as free:
            port = str(free.getsockname()[1])
        ended = CliRunner().invoke(dashboard, [*arguments, "--port", port])
        assert ended.exit_code == 0, ended.output
        return served[-1]

    monkeypatch.setattr(lrwatch_dashboard.server, "serve", serve)
    return start


def interpolated(text: str, **values: str) -> str:
    """Fill in variables as Compose does: ${NAME:-usual} and ${NAME:?what is missing}."""
    return re.sub(
        r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: values.get(m[1], m[2] or ""), str(text)
    )


def kubernetes_command() -> tuple[list[str], dict[str, str]]:
    only, (secret,) = container(), documents("Secret")
    given = {"LRWATCH_CACHE_DIR": ""}
    for variable in only["env"]:
        if "valueFrom" in variable:
            key = variable["valueFrom"]["secretKeyRef"]["key"]
            given[variable["name"]] = secret["stringData"][key]
    filled = [re.sub(r"\$\((\w+)\)", lambda m: given[m[1]], part) for part in only["command"]]
    return filled, given


def test_the_pod_serves_alerts_and_asks_who_you_are(started: Any) -> None:
    address, root, access, how = started(*kubernetes_command())
    assert address[0] == "0.0.0.0"
    assert next(p.default for p in dashboard.params if p.name == "port") == PORT
    assert root.endswith("runs")
    assert "read_only" not in how
    assert access.people is not None
    assert access.proxy.editors == {"ann@example.org", "group:ml"}
    host = next(documents("Ingress"))["spec"]["rules"][0]["host"]
    assert access.allows(host)
    assert not access.allows("evil.example")
    sent = next(documents("Ingress"))["metadata"]["annotations"]
    headers = sent["nginx.ingress.kubernetes.io/auth-response-headers"].split(",")
    assert [access.proxy.header, access.proxy.groups_header] == headers


def test_probes_are_answered_without_signing_in(started: Any) -> None:
    *_, access, _ = started(*kubernetes_command())
    store = RunStore(ROOT / "sample_runs", threaded=False)
    client = create_app(store, access).server.test_client()
    ready, alive = (container()[f"{kind}Probe"]["httpGet"] for kind in ("readiness", "liveness"))
    # The kubelet asks at the address of the pod.
    asked = {"Host": f"10.244.3.9:{PORT}"}
    assert client.get(ready["path"], headers=asked).status_code == 503
    store.refresh()
    assert client.get(ready["path"], headers=asked).status_code == 200
    assert client.get(alive["path"], headers=asked).status_code == 200
    assert client.get("/", headers=asked).status_code == 401


def test_compose_serves_alerts_and_asks_for_a_token(started: Any) -> None:
    service = compose()["services"]["lrwatch"]
    command = [interpolated(part) for part in service["command"]]
    *_, access, how = started(command, {"LRWATCH_CACHE_DIR": ""})
    assert access.people is not None
    assert access.proxy is None
    assert "read_only" not in how
    assert compose()["secrets"]["people"]["file"] == "./people"


def test_compose_with_oidc_believes_the_proxy_alone(started: Any) -> None:
    more = compose("compose.oidc.yaml")
    given = {"LRWATCH_EDITORS": "ann@example.org,group:ml", "LRWATCH_HOST": "runs.example.org"}
    environment = {
        name: interpolated(value, **given)
        for name, value in more["services"]["lrwatch"]["environment"].items()
    }
    command = [interpolated(part, **given) for part in compose()["services"]["lrwatch"]["command"]]
    *_, access, _ = started(command, {**environment, "LRWATCH_CACHE_DIR": ""})
    address = more["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    assert [str(network) for network in access.proxy.trusted] == [f"{address}/32"]
    assert access.proxy.editors == {"ann@example.org", "group:ml"}
    assert access.allows("runs.example.org")
    upstream = more["services"]["proxy"]["environment"]["OAUTH2_PROXY_UPSTREAMS"]
    assert upstream == f"http://lrwatch:{PORT}"


def test_what_comments_say_of_a_store_to_look_at_only_is_so(started: Any) -> None:
    command, environment = kubernetes_command()
    kept = [part for part in command if part != "--alert" and not part.startswith("--to=")]
    *_, how = started([*kept, "--read-only"], environment)
    assert how["read_only"] is True
