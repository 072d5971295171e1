import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("url", "language"), [("/announcements/feed/", "en"), ("/es/announcements/feed/", "es")])
def test_feed_says_its_language(client, identity, url, language):
    assert f'xml:lang="{language}"' in client.get(url).content.decode()
