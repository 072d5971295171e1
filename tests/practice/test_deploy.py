"""The files that say how the site is run: they name only what there is."""

import re
import shutil
import subprocess

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tests.practice.test_project import example

ROOT = settings.BASE_DIR
DEPLOY = ROOT / "deploy"
OF_OTHER_IMAGES = {"POSTGRES_PASSWORD", "MINIO_KMS_SECRET_KEY"}
OF_EVERY_PROGRAM = {"PYTHON", "TZ"}
SCRIPTS = ("each-night", "each-week")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_compose_sets_only_variables_that_the_site_reads(compose):
    ours = [service for service in compose["services"].values() if service["image"] == "radiology-practice"]
    assert len(ours) == 6
    for service in ours:
        assert set(service["environment"]) <= set(example()) | OF_EVERY_PROGRAM
        assert service["env_file"] == ".env"
    text = (ROOT / "compose.yaml").read_text()
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    assert asked <= set(example()) | OF_OTHER_IMAGES
    told = set(re.findall(r"\b((?:S3|CACHE|AWS)_[A-Z0-9_]+)\b", text))
    assert told <= set(example())


def test_compose_has_no_secret_and_publishes_only_nginx(compose):
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"nginx": ["80:80", "443:443"], "minio": ["127.0.0.1:9001:9001"]}
    for service in compose["services"].values():
        for name, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY", name):
                assert re.fullmatch(r"\$\{[A-Z0-9_]+:[-?].*\}", value), name


def test_compose_mounts_and_starts_what_is_there(compose):
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            if volume.startswith("./") and not volume.startswith("./deploy/tls"):
                assert (ROOT / volume.split(":")[0]).is_file(), volume
        command = service.get("command")
        if isinstance(command, list) and "manage.py" in command:
            assert command[command.index("manage.py") + 1] in get_commands()
    assert compose["services"]["night"]["command"] == ["sh", "deploy/night-loop"]


def lines_that_start(name):
    return re.findall(r"(?m)^ExecStart=-?(.*)$", (DEPLOY / "systemd" / name).read_text())


UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())


def test_units_start_what_is_there():
    assert UNITS == [
        "radiology-night.service", "radiology-night.timer", "radiology-settle.service", "radiology-settle.timer",
        "radiology-web@.service", "radiology-week.service", "radiology-week.timer", "radiology-worker@.service",
    ]  # fmt: skip
    for name in UNITS:
        for line in lines_that_start(name):
            program, *arguments = line.removeprefix("/srv/radiology/site/").split()
            if program == ".venv/bin/python":
                assert arguments[0] == "manage.py"
                assert arguments[1] in get_commands()
            elif program != ".venv/bin/granian":
                assert (ROOT / program).is_file()
                assert (ROOT / program).stat().st_mode & 0o111
    scripts = "".join((DEPLOY / script).read_text() for script in SCRIPTS)
    run = re.findall(r"(?m)^run (\w+)", scripts)
    assert len(run) == 8
    assert set(run) <= set(get_commands())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd on this machine")
def test_systemd_understands_the_units(tmp_path):
    """Apart from the programs, which are not at their place here."""
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        (tmp_path / name).write_text(re.sub(r"(?m)^(ExecStart=-?)\S+", r"\1/bin/true", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("script", [*SCRIPTS, "night-loop"])
def test_scripts_are_shell(script):
    subprocess.run(["sh", "-n", str(DEPLOY / script)], check=True)


def test_night_goes_on_after_what_fails_and_says_so(tmp_path):
    log = tmp_path / "log"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$2" >> {log}\n[ "$2" != check_ledger ]\n')
    python.chmod(0o755)
    done = subprocess.run([DEPLOY / "each-night"], env={"PYTHON": str(python), "PATH": "/usr/bin:/bin"}, check=False)
    assert done.returncode == 1
    assert log.read_text().split()[-2:] == ["check_ledger", "reconcile"]


def test_image_has_no_secret_and_does_not_run_as_root():
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"(?m)^USER (.*)$", text) == ["radiology"]
    assert re.findall(r"[A-Z_]*(?:SECRET|PASSWORD|KEY)[A-Z_]*=", text) == []
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".env", "var"} <= set(ignored)
    for source in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", text):
        for name in source.split():
            assert (ROOT / name).exists()
    assert (DEPLOY / "healthcheck.py").is_file()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx on this machine")
def test_nginx_understands_its_configuration(tmp_path):
    folder = tmp_path / "radiology"
    folder.mkdir()
    for name in ("proxy.conf", "upstream.conf"):
        (folder / name).write_text((DEPLOY / "nginx" / name).read_text())
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=www.radiology.example", "-days", "1",
         "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "fullchain.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (DEPLOY / "nginx" / "radiology.conf").read_text()
    text = text.replace("/etc/ssl/radiology", str(tmp_path)).replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "site.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\nhttp {{ access_log off; include site.conf; }}\n"
    )
    done = subprocess.run(
        ["nginx", "-t", "-q", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
