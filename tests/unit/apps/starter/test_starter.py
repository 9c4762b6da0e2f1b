"""What is found of projects of several layouts, and the plan that is made of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

import pytest

from harness.apps.starter.project import Project
from harness.apps.starter.starter import Starter, look_at
from harness.apps.starter.text import left_to_do, plan_text, told_lines
from harness.planning.wish import PlanFile, parse_plan
from tests.unit.apps.starter import layouts


def starter(texts: Mapping[str, str], *programs: str) -> Starter:
    return look_at(Project(texts, frozenset(programs)))


def app_of(texts: Mapping[str, str], *programs: str) -> dict[str, object]:
    """`[app]` of the plan that is made of them."""
    found = tomllib.loads(plan_text(starter(texts, *programs)))["app"]
    assert isinstance(found, dict)
    return found


UVICORN = "--host {host} --port {port} --no-access-log"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            layouts.SINGLE_FILE,
            {"run": "main:app", "ready": "/health", "env": {"DATABASE_URL": "{database_url}"}},
        ),
        (
            layouts.PACKAGE,
            {
                "run": "shop.main:app",
                "setup": "alembic upgrade head",
                "ready": "/api/internal/healthz",
                "locustfile": "locustfile.py",
                "env": {"SHOP_DSN": "{database_url+asyncpg}"},
            },
        ),
        (
            layouts.SRC_FACTORY,
            {
                "run": f"uvicorn shop.factory:create_app --factory --app-dir src {UVICORN}",
                "setup": "alembic upgrade head",
                "env": {"DB_DSN": "{database_url}"},
            },
        ),
        (
            layouts.SQLMODEL_TEMPLATE,
            {
                "run": "app.main:app",
                "directory": "backend",
                "setup": "alembic upgrade head",
                "env": {
                    "POSTGRES_SERVER": "{database_host}",
                    "POSTGRES_PORT": "{database_port}",
                    "POSTGRES_USER": "{database_user}",
                    "POSTGRES_PASSWORD": "{database_password}",
                    "POSTGRES_DB": "{database_name}",
                },
            },
        ),
        (
            layouts.FLAT_IN_FOLDER,
            {"run": "main:app", "directory": "app", "env": {"DB_URL": "{database_url}"}},
        ),
        (layouts.NAMESPACE, {"run": "app.main:app", "env": {"DATABASE_URL": "{database_url+asyncpg}"}}),
        (
            layouts.NESTED_SETTINGS,
            {
                "run": "main:app",
                "env": {"APP_DB__URL": "{database_url+psycopg2}", "PRIMARY_DSN": "{database_url}"},
            },
        ),
        (
            layouts.DJANGO,
            {
                "run": "mysite.asgi:application",
                "setup": "python manage.py migrate",
                "env": {
                    "DB_NAME": "{database_name}",
                    "DB_HOST": "{database_host}",
                    "DB_USER": "{database_user}",
                    "DB_PASSWORD": "{database_password}",
                },
            },
        ),
        (layouts.NODE, {"env": {"DATABASE_URL": "{database_url}"}}),
        (layouts.BAD_FILES, {"run": "main:application", "ready": "/ping", "env": {}}),
        (layouts.NOTHING, {"env": {}}),
    ],
    ids=list(layouts.ALL),
)
def test_a_project_is_found_out_by_reading_it(texts: Mapping[str, str], expected: dict[str, object]) -> None:
    assert expected == app_of(texts)


@pytest.mark.parametrize("texts", layouts.ALL.values(), ids=list(layouts.ALL))
def test_what_is_written_is_a_plan_wherever_an_app_was_found(texts: Mapping[str, str]) -> None:
    found = starter(texts)
    document = tomllib.loads(plan_text(found))
    document["app"].pop("locustfile", None)
    if "run" in left_to_do(found):
        document["app"]["run"] = found.run
    assert isinstance(parse_plan(document, "of a test"), PlanFile)
    assert all(line.isprintable() and len(line) <= 200 for line in told_lines(found))


def test_a_route_of_another_app_is_not_waited_for() -> None:
    other = {"other/main.py": layouts.SINGLE_FILE["main.py"]}
    texts = {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", **other}
    assert "ready" not in app_of(texts)
    assert "/health" == app_of(other)["ready"]


def test_each_comment_that_stands_for_an_entry_is_one_when_it_is_taken_in() -> None:
    text = re.sub(r"^# (?=\w+ = |\[)", "", plan_text(starter(layouts.NOTHING)), flags=re.MULTILINE)
    kept = [line for line in text.splitlines() if not line.startswith("locustfile")]  # it is that or `get`
    plan = parse_plan(tomllib.loads("\n".join(kept)), "of a test")
    assert plan.app is not None
    assert ("shop.main:app", "alembic upgrade head", "/healthz") == (plan.app.run, plan.app.setup, plan.app.ready)
    assert plan.app.env == {"DATABASE_URL": "{database_url}"}
    assert plan.app.variants["small"].env == {"DB_POOL_SIZE": "2"}


def test_the_virtual_environment_of_the_project_is_used() -> None:
    programs = (".venv/bin/uvicorn", ".venv/bin/alembic")
    found = app_of(layouts.SQLMODEL_TEMPLATE, *(f"backend/{program}" for program in programs))
    assert f".venv/bin/uvicorn app.main:app {UVICORN}" == found["run"]
    assert ".venv/bin/alembic upgrade head" == found["setup"]
    above = app_of(layouts.SQLMODEL_TEMPLATE, *programs)
    assert f"../.venv/bin/uvicorn app.main:app {UVICORN}" == above["run"]


def test_settings_without_a_default_are_named_and_never_their_values() -> None:
    text = plan_text(starter(layouts.PACKAGE))
    assert '# SHOP_SECRET_KEY = "..."' in text
    assert "SHOP_API_TOKEN" not in text  # its .env has that
    assert 'env = { SHOP_DB_POOL_SIZE = "2" }' in text


def test_the_app_that_servers_are_started_with_goes_first() -> None:
    two = {
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "admin/server.py": "from fastapi import FastAPI\nbackend = FastAPI()\n",
    }
    assert "main:app" == app_of(two)["run"]
    assert "There is also admin.server:backend" in plan_text(starter(two))
    named = {**two, "Procfile": "web: uvicorn admin.server:backend --port $PORT\n"}
    assert "admin.server:backend" == app_of(named)["run"]


@pytest.mark.parametrize("never", ["__name__ == '__main__'", "TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_what_an_import_does_not_run_is_no_app(never: str) -> None:
    source = f"import fastapi, typing\nif {never}:\n    app = fastapi.FastAPI()\n"
    assert look_at(Project({"main.py": source})).app is None
    assert app_of({"main.py": f"{source}else:\n    api = fastapi.FastAPI()\n"})["run"] == "main:api"


def test_an_app_that_a_function_made_is_an_object_like_any_other() -> None:
    texts = {
        "shop/__init__.py": "",
        "shop/make.py": "import fastapi\nclass Api(fastapi.FastAPI): ...\ndef make():\n    return Api()\n",
        "shop/asgi.py": "from shop.make import make\nif True:\n    app: object = make()\n",
    }
    assert "shop.asgi:app" == app_of(texts)["run"]


def test_migrations_of_another_database_are_not_run_unasked() -> None:
    texts = {
        **layouts.SINGLE_FILE,
        "alembic.ini": "[alembic]\nscript_location = %(here)s/alembic\nsqlalchemy.url = postgresql://production\n",
        "alembic/env.py": "url = config.get_main_option('sqlalchemy.url')\n",
    }
    assert "setup" not in app_of(texts)
    assert "alembic.ini names a database of its own" in plan_text(starter(texts))
    heeding = {**texts, "alembic/env.py": "import os\nurl = os.environ['DATABASE_URL']\n"}
    assert "alembic upgrade head" == app_of(heeding)["setup"]


def test_migrations_of_another_folder_are_run_there() -> None:
    texts = {**layouts.SINGLE_FILE, "db/alembic.ini": "[alembic]\n", "main.py": layouts.SINGLE_FILE["main.py"]}
    assert "sh -c 'cd db && alembic upgrade head'" == app_of(texts)["setup"]


def test_a_module_that_fills_the_tables_is_told() -> None:
    assert '# setup = "sh -c \\"alembic upgrade head && python -m app.initial_data\\""' in plan_text(
        starter(layouts.SQLMODEL_TEMPLATE)
    )


def test_a_route_below_an_unknown_prefix_is_told_and_not_waited_for() -> None:
    text = plan_text(starter(layouts.SQLMODEL_TEMPLATE))
    assert '# ready = "/utils/health-check/"' in text


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("DATABASE_URL", "create_async_engine(X)\nimport psycopg", "{database_url+psycopg}"),
        ("DATABASE_URL", "A = 'postgresql+psycopg2://'", "{database_url+psycopg2}"),
        (
            "DATABASE_URL",
            "A = 'postgresql+pg8000://'",
            "postgresql+pg8000://{database_user}:{database_password}@{database_host}:{database_port}/{database_name}",
        ),
        ("DATABASE_URL", "url.replace('postgresql://', 'postgresql+asyncpg://')", "{database_url}"),
        ("ASYNC_DATABASE_URL", "'postgresql+asyncpg://', 'postgresql+psycopg2://'", "{database_url+asyncpg}"),
        ("SYNC_DATABASE_URL", "'postgresql+asyncpg://', 'postgresql+psycopg2://'", "{database_url+psycopg2}"),
    ],
)
def test_an_address_is_spelt_as_the_project_spells_it(name: str, source: str, expected: str) -> None:
    texts = {"db.py": f"import os\nimport sqlalchemy\nX = os.environ[{name!r}]\n{source}\n"}
    assert {name: expected} == app_of(texts)["env"]


@pytest.mark.parametrize("name", ["REDIS_URL", "TEST_DATABASE_URL", "CELERY_DB_URI", "MONGO_DSN", "SENTRY_DSN"])
def test_addresses_of_something_else_are_left_alone(name: str) -> None:
    assert {} == app_of({"a.py": f"import os\nos.environ[{name!r}]\n"})["env"]


def test_a_dotenv_file_that_goes_first_is_told() -> None:
    texts = {**layouts.SINGLE_FILE, "env.py": "load_dotenv('.env', override=True)\n"}
    assert "lets a .env go before these" in plan_text(starter(texts))


def test_names_that_hold_signs_of_toml_stay_within_their_quotes() -> None:
    folder = 'a "b" \\c'
    texts = {f"{folder}/pyproject.toml": "", f"{folder}/main.py": layouts.SINGLE_FILE["main.py"]}
    assert folder == app_of(texts)["directory"]
