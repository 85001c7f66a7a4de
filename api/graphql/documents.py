"""Documents: parsed, checked and validated once, beside the event loop; kept while they are asked.

A document that failed is not kept. What else is found out about one is kept in the document itself, and
goes with it; the cache is bounded by the memory that documents take.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from time import thread_time
from weakref import WeakValueDictionary

from graphql import GraphQLError, GraphQLSchema, parse, specified_rules, validate

from api.graphql.extensions.limits import (
    ERRORS,
    TOKENS,
    Costs,
    Document,
    excess_of,
    too_large,
)
from api.work import WORK, computing_beside

TOKEN_BYTES = 600
"""Memory of a parsed token, with what is kept of its document."""

CAPACITY = 16_000_000
"""Bytes that all documents of a process may take."""

SHORT = 200
"""Characters of a document that is prepared at once: that takes less time than to wait for it."""

TOKENS_OF_UNIT = 500
ERROR_UNITS = 2
"""Cost, in an allowance, of a document that was not asked before."""


class DocumentCache:
    """The documents that were valid, the least recently asked go first."""

    def __init__(self, schema: GraphQLSchema, capacity: int = CAPACITY) -> None:
        self._schema, self._capacity = schema, capacity
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self.size = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def __contains__(self, text: str) -> bool:
        return text in self._documents

    async def document(
        self, text: str, login: tuple[str, str]
    ) -> tuple[Document | None, list[GraphQLError]]:
        """Return a document, or the errors in it. A login has one prepared at a time."""
        document_info = self._documents.get(text)
        if document_info is not None:
            self._documents.move_to_end(text)
            return document_info, []
        if len(text) <= SHORT:
            document, errors, _ = self._prepare(text)
        else:
            turn = self._turns.setdefault(login, asyncio.Lock())
            async with turn:
                loop = asyncio.get_running_loop()
                document, errors, seconds = await loop.run_in_executor(
                    self._pool, self._prepare, text
                )
            if work := WORK.get():
                work.use(seconds)
        if work := WORK.get():
            tokens = document.tokens if document else len(text) // 4
            work.owe(tokens // TOKENS_OF_UNIT + ERROR_UNITS * len(errors))
        if document is not None:
            self._keep(text, document)
        return document, errors

    def forget_all(self) -> None:
        """Forget every document: what is written in one may name somebody who is erased by now."""
        self._documents.clear()
        self.size = 0

    def _prepare(self, text: str) -> tuple[Document | None, list[GraphQLError], float]:
        """Return a document or the errors in it, and the processor time that it took."""
        start = thread_time()
        with computing_beside():
            document, errors = prepare(self._schema, text)
        return document, errors, thread_time() - start

    def _keep(self, text: str, document: Document) -> None:
        if text not in self._documents:
            self._documents[text] = document
            self.size += _size(text, document)
        while self.size > self._capacity:
            self.size -= _size(*self._documents.popitem(last=False))


def prepare(schema: GraphQLSchema, text: str) -> tuple[Document | None, list[GraphQLError]]:
    """Return the document of a text, or the first errors that are found in it."""
    try:
        document_node = parse(text, max_tokens=TOKENS)
        document = Document(definitions=document_node.definitions, loc=document_node.loc)
        if excess := excess_of(document):
            return None, [too_large(*excess)]
        errors = validate(schema, document, (*specified_rules, Costs), max_errors=ERRORS)
    except GraphQLError as error:
        return None, [error]
    except RecursionError:
        return None, [GraphQLError("Syntax Error: Document is nested too deeply.")]
    return (None, errors) if errors else (document, [])


def _size(text: str, document: Document) -> int:
    return 4 * len(text) + TOKEN_BYTES * document.tokens
