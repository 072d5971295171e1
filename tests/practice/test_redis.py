"""What sign-in counts, in a Redis: a real one, where Debian's redis-server is installed."""

import shutil
import subprocess
import time

import pytest
import redis
from django.core.cache import cache
from django.urls import reverse
from environ import Env

from tests.factories import UserFactory
from tests.object_storage import free_port
from tests.practice.test_project import example, run_manage

START_SECONDS = 30
needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="there is no redis-server on this machine"
)


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory):
    port = free_port()
    command = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(tmp_path_factory.mktemp("redis")),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                redis.Redis(port=port).ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.05)
        yield port
        process.terminate()


@pytest.fixture
def counted_in_redis(settings, redis_port):
    """The cache as `CACHE_URL=redis://…` sets it."""
    settings.CACHES = {"default": Env.cache_url_config(f"redis://127.0.0.1:{redis_port}/0")}
    with redis.Redis(port=redis_port) as looking:
        yield looking
    cache.close()


@needs_redis
def test_settings_lead_to_it(tmp_path, redis_port):
    environment = {name: value for name, value in example().items() if value is not None}
    code = "from django.core.cache import cache; cache.set('tries', 4); print(cache.incr('tries'))"
    url = {"CACHE_URL": f"redis://127.0.0.1:{redis_port}/0", "VAR_DIR": str(tmp_path)}
    done = run_manage("shell", "--no-imports", "-c", code, **environment | url)
    assert (done.returncode, done.stdout) == (0, "5\n"), done.stderr
    with redis.Redis(port=redis_port) as looking:
        assert looking.get(":1:tries") == b"5"
        looking.flushall()


@needs_redis
@pytest.mark.django_db
def test_wrong_passwords_are_counted_in_redis(client, identity, counted_in_redis):
    UserFactory(email="ann@example.com")
    wrong = {"login": "ann@example.com", "password": "wrong"}
    assert counted_in_redis.keys() == []
    client.post(reverse("account_login"), wrong)
    assert len(counted_in_redis.keys()) > 0
    assert [key for key in counted_in_redis.scan_iter() if b"ann@" in key] == []
