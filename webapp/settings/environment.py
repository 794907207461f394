"""The environment variables, from the process or from `.env`."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = Path('.env')
PREFIX = 'WEBAPP_'


class Environment(BaseSettings):
    """What we read. Names without the prefix `WEBAPP_` are those that the ecosystem already has."""

    model_config = SettingsConfigDict(
        case_sensitive=True,
        env_file=ENV_FILE,
        env_file_encoding='utf-8',
        env_ignore_empty=True,
        extra='ignore',
        frozen=True,
        hide_input_in_errors=True,
    )

    dify_base_url: str | None = Field(
        None, validation_alias='DIFY_BASE_URL', description='the Dify server of one app, the quick start'
    )
    dify_api_key: SecretStr | None = Field(None, validation_alias='DIFY_API_KEY', description='the key of that app')
    openai_base_url: str | None = Field(
        None,
        validation_alias='OPENAI_BASE_URL',
        description='without a Dify: the OpenAI-compatible server whose model answers in the demo',
    )
    openai_model: str | None = Field(
        None, validation_alias='OPENAI_MODEL', description='the name of that model; both are needed'
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias='OPENAI_API_KEY', description='the key of that server, if it wants one'
    )
    host: str = Field('127.0.0.1', validation_alias='WEBAPP_HOST', description='address to listen on')
    port: int = Field(8080, ge=0, le=65535, validation_alias='WEBAPP_PORT', description='port to listen on')
    config: Path | None = Field(
        None, validation_alias='WEBAPP_CONFIG', description='a TOML file; without it `webapp.toml`, if there is one'
    )
    database_url: str = Field(
        'sqlite:///data/webapp.db',
        validation_alias='DATABASE_URL',
        description='`sqlite:///path` or `postgresql+psycopg://...`',
        repr=False,
    )
    secret: SecretStr | None = Field(
        None,
        validation_alias='WEBAPP_SECRET',
        description='at least 32 random bytes, from which end-user ids are derived; in local mode made by itself',
    )
    public_url: str | None = Field(
        None,
        validation_alias='WEBAPP_PUBLIC_URL',
        description='the address that people use; without it `http://HOST:PORT`',
    )
    oidc_issuer: str | None = Field(
        None,
        validation_alias='OIDC_ISSUER',
        description='address of one OpenID Connect provider that people sign in with, the quick start',
    )
    oidc_client_id: str | None = Field(
        None, validation_alias='OIDC_CLIENT_ID', description='what that provider knows us by'
    )
    oidc_client_secret: SecretStr | None = Field(
        None, validation_alias='OIDC_CLIENT_SECRET', description='what proves to it that it is us'
    )
    admins: str = Field(
        '',
        validation_alias='WEBAPP_ADMINS',
        description='subjects or verified e-mail addresses of the admins, with commas between',
    )
    readers: str = Field(
        '',
        validation_alias='WEBAPP_READERS',
        description="the same, of the admins who may read other people's conversations at `/admin/feedback`",
    )
    usage_token: SecretStr | None = Field(
        None,
        validation_alias='WEBAPP_USAGE_TOKEN',
        description='lets programs read `/admin/usage.csv` and `.json`: `Authorization: Bearer ...`',
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias='WEBAPP_METRICS_TOKEN',
        description='lets a Prometheus on another computer read `/metrics`: `Authorization: Bearer ...`',
    )
    guests: bool = Field(False, validation_alias='WEBAPP_GUESTS', description='let people in without a login')
    local: bool = Field(
        False,
        validation_alias='WEBAPP_LOCAL',
        description='local mode though the listen address is not loopback (a container)',
    )


def given() -> Mapping[str, str]:
    """Every variable that is set, ours or not."""
    from_file = dotenv_values(ENV_FILE, encoding='utf-8') if ENV_FILE.is_file() else {}
    return {**{name: value or '' for name, value in from_file.items()}, **os.environ}


def misnamed(names: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that looks like ours and would have no effect."""
    known = {str(field.validation_alias) for field in Environment.model_fields.values()}
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name not in known:
            ours = [other.removeprefix(PREFIX) for other in known if other.startswith(PREFIX)]
            near = get_close_matches(name.upper().removeprefix(PREFIX), ours, n=1)
            yield f'{name} is not a setting; ' + (f'did you mean {PREFIX}{near[0]}?' if near else 'take it out.')


def sentences(error: ValidationError) -> Iterator[str]:
    """What is wrong with which variable, without its value."""
    for problem in error.errors(include_url=False, include_input=False):
        yield f'{problem["loc"][0]}: {problem["msg"]}.'
