"""Projects as people lay them out, as texts by path."""

from __future__ import annotations

SINGLE_FILE = {
    "main.py": """
import os
from fastapi import FastAPI
from sqlalchemy import create_engine
engine = create_engine(os.environ["DATABASE_URL"])
app = FastAPI()

@app.get("/health")
def health(): ...
""",
}

PACKAGE = {
    "requirements.txt": "fastapi\nsqlalchemy\nasyncpg\n",
    "alembic.ini": "[alembic]\nscript_location = migrations\nsqlalchemy.url =\n",
    "migrations/env.py": "from shop.settings import settings\nurl = settings.database_url\n",
    "shop/__init__.py": "",
    "shop/settings.py": """
from pydantic import Field, PostgresDsn
from pydantic_settings import BaseSettings, SettingsConfigDict

class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_", env_file=".env")
    dsn: PostgresDsn = "postgresql+asyncpg://shop@localhost/shop"
    secret_key: str
    api_token: str
    db_pool_size: int = 5
    redis_url: str = "redis://localhost"
settings = Settings()
""",
    ".env": "SHOP_API_TOKEN=\nSHOP_DSN=postgresql+asyncpg://\n",
    "shop/routes/__init__.py": "",
    "shop/routes/health.py": """
from fastapi import APIRouter
router = APIRouter(prefix="/internal")
@router.get("/healthz")
async def healthz(): ...
""",
    "shop/main.py": """
from fastapi import FastAPI
from shop.routes import health, items
app = FastAPI(title="Shop")
for routes in (health, items):
    app.include_router(routes.router, prefix="/api")
""",
    "locustfile.py": "from locust import HttpUser\n",
    "tests/app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
}

SRC_FACTORY = {
    "pyproject.toml": '[project]\nname = "shop"\n[tool.alembic]\nscript_location = "src/shop/alembic"\n',
    "src/shop/__init__.py": "",
    "src/shop/alembic/env.py": "import os\nurl = os.environ['DB_DSN']\n",
    "src/shop/factory.py": """
from fastapi import FastAPI

def create_app(settings=None) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.include_router(build())
    return app

def with_needs(settings):
    return FastAPI()
""",
    "src/shop/db.py": """
from os import getenv
from psycopg_pool import AsyncConnectionPool
pool = AsyncConnectionPool(getenv("DB_DSN", "postgresql://localhost/shop"))
""",
}

SQLMODEL_TEMPLATE = {
    ".env": "POSTGRES_SERVER=\nPOSTGRES_PASSWORD=\nSECRET_KEY=\n",
    "docker-compose.yml": "services:\n  db:\n    environment:\n      - POSTGRES_DB=app\n",
    "backend/pyproject.toml": "[tool.fastapi]\n",
    "backend/Dockerfile": 'CMD ["fastapi", "run", "--workers", "4", "app/main.py"]\n',
    "backend/alembic.ini": "[alembic]\nscript_location = app/alembic\n",
    "backend/app/alembic/env.py": "from app.core.config import settings\n",
    "backend/app/__init__.py": "",
    "backend/app/initial_data.py": 'if __name__ == "__main__":\n    main()\n',
    "backend/app/core/config.py": """
from pydantic import PostgresDsn, computed_field
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    SECRET_KEY: str
    FIRST_SUPERUSER: str
    POSTGRES_SERVER: str
    POSTGRES_PORT: int = 5432
    POSTGRES_USER: str
    POSTGRES_PASSWORD: str = ""
    POSTGRES_DB: str = ""

    @computed_field
    @property
    def SQLALCHEMY_DATABASE_URI(self) -> PostgresDsn:
        return MultiHostUrl.build(scheme="postgresql+psycopg", host=self.POSTGRES_SERVER)
""",
    "backend/app/api/routes/utils.py": """
from fastapi import APIRouter
router = APIRouter(prefix="/utils")
@router.get("/health-check/")
async def health_check() -> bool: ...
""",
    "backend/app/main.py": """
from fastapi import FastAPI
app = FastAPI()
app.include_router(api_router, prefix=settings.API_V1_STR)
""",
}

FLAT_IN_FOLDER = {
    "app/requirements.txt": "fastapi\n",
    "app/main.py": "from fastapi import FastAPI\nimport database\napp = FastAPI()\n",
    "app/database.py": 'import os\nURL = os.getenv("DB_URL").replace("postgres://", "postgresql+asyncpg://")\n',
}

NAMESPACE = {
    "pyproject.toml": "",
    "app/main.py": "from fastapi import FastAPI\nfrom app.db import engine\napp = FastAPI()\n",
    "app/db.py": """
from starlette.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
import asyncpg
config = Config(".env")
engine = create_async_engine(config("DATABASE_URL"))
""",
}

NESTED_SETTINGS = {
    "main.py": """
from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
class Database(BaseModel):
    url: str = "postgresql+psycopg2://localhost"
class Base(BaseSettings):
    model_config = SettingsConfigDict(env_nested_delimiter="__", env_prefix="APP_")
class Settings(Base):
    db: Database
    primary: str = Field("postgresql://localhost", validation_alias="PRIMARY_DSN")
app = FastAPI()
""",
}

DJANGO = {
    "manage.py": "",
    "mysite/__init__.py": "",
    "mysite/asgi.py": "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n",
    "mysite/settings.py": """
import os
DATABASES = {"default": {"NAME": os.environ["DB_NAME"], "HOST": os.environ.get("DB_HOST", "localhost"),
    "USER": os.environ["DB_USER"], "PASSWORD": os.environ["DB_PASSWORD"]}}
""",
}

NODE = {"package.json": '{"name": "shop"}', "server.js": "", ".env.example": "DATABASE_URL=postgres://\n"}

BAD_FILES = {
    "broken.py": "def f(:\n",
    "deep.py": "x = " + "(" * 5000 + ")" * 5000,
    "minus.py": "x = " + "-" * 50_000 + "1",
    "nul.py": "app = '\0'",
    "surrogate.py": "x = '\udcff'",
    "escape.py": "x = '\\d'\n",
    "main.py": "from starlette.applications import Starlette\nfrom starlette.routing import Route\n"
    "application = Starlette(routes=[Route('/ping', ping)])\n",
}

NOTHING: dict[str, str] = {}

ALL = {
    name: value
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, dict) and name != "ALL"
}
