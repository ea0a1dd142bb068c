"""The openai SDK's client for one connection: built at first use, without its own retries, with the key of the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.domain.errors import BadReply, ProviderError
from studio.domain.text import one_line
from studio.providers.classify import classify
from studio.providers.connection import MODEL_LIST_LIMIT, Connection, open_client, user_agent

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class OpenAIClients:
    """One client with its connection pool; copies of it carry the key that is current at a call."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._base: AsyncOpenAI | None = None

    def base(self) -> AsyncOpenAI:
        if self._base is None:
            from openai import AsyncOpenAI

            self._base = AsyncOpenAI(
                api_key="set-at-each-call",
                base_url=self._connection.base_url,
                max_retries=0,
                default_headers=dict(self._connection.headers),
                http_client=open_client(self._connection),
            )
        return self._base

    def with_key(self, key: str, note: str = "") -> AsyncOpenAI:
        return self.base().with_options(api_key=key, default_headers={"User-Agent": user_agent(note)})

    async def list_models(self) -> list[str]:
        """Names of the models that the service offers; asks for nothing else."""
        key = await self._connection.current_key()
        site = self._connection.site(key=key)
        names: list[str] = []
        try:
            async for model in self.with_key(key).models.list():
                names.append(one_line(str(model.id), 120))
                if len(names) >= MODEL_LIST_LIMIT:
                    break
        except ProviderError:
            raise
        except (AttributeError, TypeError) as error:
            raise BadReply(f"{site} did not answer with a list of models.", hint="Check the base URL.") from error
        except Exception as error:
            raise classify(error, site) from error
        return names

    async def aclose(self) -> None:
        if self._base is not None:
            await self._base.close()
            self._base = None
