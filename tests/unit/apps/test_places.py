"""What stands for a trial's database in an app's command and environment."""

from __future__ import annotations

import pytest

from harness.apps.places import check_places, fill, has_place, of_database
from harness.errors import PlanError

URL = "postgresql://po%40ol:s%2Fecret@127.0.0.1:6543/trial_1?sslmode=require"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{database_url}", URL),
        (  # SQLAlchemy hands options on that asyncpg knows in a dsn only
            "{database_url+asyncpg}",
            URL.replace("postgresql", "postgresql+asyncpg").replace(
                "?sslmode=require", "?dsn=postgresql%3A%2F%2F%3Fsslmode%3Drequire"
            ),
        ),
        ("{database_url+psycopg}", URL.replace("postgresql", "postgresql+psycopg")),
        (
            "{jdbc_url}",
            "jdbc:postgresql://127.0.0.1:6543/trial_1?user=po%40ol&password=s%2Fecret&sslmode=require",
        ),
        ("host={database_host} port={database_port} user={database_user}", "host=127.0.0.1 port=6543 user=po@ol"),
        ("{database_name}/{database_password}", "trial_1/s/ecret"),
        ('{"port": {port}, "a": 1}', '{"port": {port}, "a": 1}'),
    ],
)
def test_each_spelling_is_filled_in_and_what_has_no_value_stays(text: str, filled: str) -> None:
    assert fill(text, of_database(URL)) == filled


def test_an_address_of_version_6_and_a_port_that_is_usual() -> None:
    places = of_database("postgresql://a:b@[::1]/c")
    assert (places["database_host"], places["database_port"]) == ("::1", "5432")
    assert places["jdbc_url"].startswith("jdbc:postgresql://[::1]:5432/c?")


def test_a_value_that_looks_like_a_place_is_not_filled_in_again() -> None:
    assert fill("{host}", {"host": "{port}", "port": "1"}) == "{port}"


def test_a_place_that_stands_for_nothing_is_refused_with_the_nearest() -> None:
    check_places('{port} {host} {"json": {}} {} {database_url+psycopg2}', "here")
    check_places("{asctime} {levelname} {message} {fd}", "a log's format")
    with pytest.raises(PlanError, match=r"here: unknown placeholder 'database_ur'; did you mean 'database_url'"):
        check_places("{database_ur}", "here")


def test_a_place_is_found_among_others() -> None:
    assert has_place("--port={port}", "port")
    assert not has_place("--port=port {ports}", "port")
