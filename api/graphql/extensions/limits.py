"""Limits of one operation: characters, tokens, repeats, depth, aliases and cost.

Repeats are counted before validation, whose rules compare each field with each other of its name, and
each fragment with each: 5,000 tokens may be a second of work.

The cost of an operation is the number of things that it may have to find: each thing counts one, and in
a list as often as the list may be long, lists within lists multiplied. So a page of 500 stays with the
doses of all their prescriptions is refused before the database is asked.

Strawberry's limiters of depth and aliases measure a fragment anew at each spread, so that 30 fragments
that each spread the next one twice never end: ours measures each fragment once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Token,
    ValidationContext,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)
from strawberry.extensions import SchemaExtension

from api.errors import TooLarge
from api.graphql.relay import MOST, PAGE, page_size
from domain.refusals import InvalidInput

TEXT = 50_000
"""Characters of a document, ten for each token. Parsed documents are cached by their text, in which
comments and spaces are no tokens; to read a million of them takes a fifth of a second."""

TOKENS = 5_000
ERRORS = 5
"""Errors of a document after which it is read no further."""

DEPTH = 15
ALIASES = 100
COST = 20_000
REPEATS = 100
FRAGMENTS = 100
DIRECTIVES = 100

LENGTHS = {
    "occupancyHistory": 500,  # of a ward, about a month
    "occupancyDifference": 100,
    "decided": 100,  # while a fact was wrong: doses of days
    "roomOccupancy": 100,
    "rooms": 30,
    "wards": 30,
    "beds": 6,
    "occupants": 2,
    "restatements": 2,
    "reportBundle": 25,
    "causes": 3,  # of each change; they are found once for all changes
    "of": 1,
}
"""The lengths of lists without pages, where they are not `USUAL`."""

USUAL = 10
"""The length of any other list."""

WHOLE = {"course": 2_000}  # all facts of a stay or a person
"""The things in one that is given whole."""

STRETCHES = 5_000
"""The most stretches of an occupancy history: it has no pages, and its period may be all time."""

PARTS = ("nodes", "edges", "node", "pageInfo")
"""Parts of a page, which cost nothing beside what they hold."""


def check_variables(variables: object) -> None:
    """Raise TooLarge for variables of more values or longer texts than a document may have.

    Each value is looked at by the schema, its type and its resolver, in one step of the event loop.
    """
    todo, count = [variables], 0
    while todo and count <= TOKENS:
        value = todo.pop()
        if isinstance(value, str) and len(value) > TEXT:
            raise TooLarge(f"A text in variables may have {TEXT} characters at most.")
        if isinstance(value, dict | list):
            count += len(value)
            todo.extend(value)  # of an object its names
            todo.extend(value.values() if isinstance(value, dict) else ())
    if count > TOKENS:
        raise TooLarge(f"Variables may have {TOKENS} values at most.")


def too_long(text: str | None) -> GraphQLError | None:
    """Return the error of a text that is too long to be parsed and cached, or None."""
    if text is None or len(text) <= TEXT:
        return None
    return too_large("characters", len(text), TEXT)


class Document(DocumentNode):
    """A parsed document with what was found out about it, compared by identity."""

    __slots__ = ("cost", "fields", "findings")

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.findings: dict[Any, Any] = {}
        self.cost = 0
        """The cost of its dearest operation."""
        self.fields = 1
        """The root fields of its widest operation, each by its alias."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def tokens(self) -> int:
        return found_once(_tokens)(self)

    @property
    def only_asks(self) -> bool:
        """Return whether all its operations are questions, which record no fact."""
        operations = (d for d in self.definitions if isinstance(d, OperationDefinitionNode))
        return all(operation.operation is OperationType.QUERY for operation in operations)


F = TypeVar("F", bound=Callable[..., Any])


def found_once(function: F) -> F:
    """Keep what a function finds out about a document in the document: the last of its arguments."""

    @wraps(function)
    def found(*args: Any) -> Any:
        *others, document = args
        if not isinstance(document, Document):
            return function(*args)
        key = function, *map(id, others)
        if key not in document.findings:
            document.findings[key] = function(*args)
        return document.findings[key]

    return found  # type: ignore[return-value]


def _tokens(document: DocumentNode) -> int:
    count = 0
    token: Token | None = document.loc.start_token if document.loc else None
    while token is not None:
        token, count = token.next, count + 1
    return count


class Limits(SchemaExtension):
    """Schema extension: several operations need operationName, and each page a size within bounds."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        if document and (error := _page_size_error(context.variables or {}, document)):
            context.pre_execution_errors = [error]
        has_several = document and _operations(document.definitions) > 1
        if has_several and context._provided_operation_name is None:
            message = "The document has several operations: say which by operationName."
            context.pre_execution_errors = [GraphQLError(message)]
        yield


def _page_size_error(variables: Mapping[str, Any], document: DocumentNode) -> GraphQLError | None:
    """Return the error of the first page that is too small or too large; None if there is none.

    As with a value of another type, nothing of such a question is answered.
    """
    for argument, default in _page_sizes(document):
        node = argument.value
        size: Any = variables.get(node.name.value) if isinstance(node, VariableNode) else node
        size = default if size is None else size
        try:
            page_size(int(size.value) if isinstance(size, IntValueNode) else size)
        except InvalidInput as refusal:
            return GraphQLError(refusal.message, argument, original_error=refusal)
        except TypeError:  # of another type, which is told by its coercion
            continue
    return None


@found_once
def _page_sizes(document: DocumentNode) -> list[tuple[ArgumentNode, ValueNode | None]]:
    """Return the arguments for sizes of pages, each with the default of its variable."""
    arguments: list[ArgumentNode] = []
    defaults: dict[str, ValueNode | None] = {}

    class Collect(Visitor):
        def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
            defaults[node.variable.name.value] = node.default_value

        def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
            if node.name.value == "first":
                arguments.append(node)

    visit(document, Collect())
    return [(a, defaults.get(getattr(a.value, "name", a.name).value)) for a in arguments]


def excess_of(document: DocumentNode) -> tuple[str, int, int] | None:
    """Return the limit that a document exceeds, by how much, and how much is allowed; None if none.

    Takes time in proportion to the document's length.
    """
    repeats = directives = fragments = 0
    todo: list[tuple[Any, Counter[str]]] = []
    for definition in document.definitions:
        fragments += isinstance(definition, FragmentDefinitionNode)
        todo.append((definition, Counter()))
    while todo:
        node, names = todo.pop()
        directives += len(node.directives or ())
        selection_set = getattr(node, "selection_set", None)
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, InlineFragmentNode):  # its fields are fields of what it is in
                todo.append((selection, names))
                continue
            name = (getattr(selection, "alias", None) or selection.name).value
            names[name] += 1
            repeats = max(repeats, names[name])
            todo.append((selection, Counter()))
    for counted_thing, count, limit in (
        ("repeats of a field", repeats, REPEATS),
        ("fragments", fragments, FRAGMENTS),
        ("directives", directives, DIRECTIVES),
    ):
        if count > limit:
            return counted_thing, count, limit
    return None


@dataclass(frozen=True, slots=True)
class Measure:
    """Cost, depth and aliases of a part of an operation."""

    cost: int = 0
    depth: int = 0
    aliases: int = 0


class Costs(ValidationRule):
    """Validation rule: refuses an operation that is too deep, has too many aliases or costs too much."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: dict[str, Measure] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        self._fragments = {}
        root = self.context.schema.get_root_type(node.operation)
        try:
            measure = self._all(node.selection_set, root)
        except RecursionError:
            measure = Measure(depth=DEPTH + 1)
        for name, count, limit in (
            ("depth", measure.depth, DEPTH),
            ("aliases", measure.aliases, ALIASES),
            ("cost", measure.cost, COST),
        ):
            if count > limit:
                self.report_error(too_large(name, count, limit, node))
        document = self.context.document
        if isinstance(document, Document):
            document.cost = max(document.cost, measure.cost)
            document.fields = max(document.fields, len(self._keys(node.selection_set)))

    def _keys(self, root: SelectionSetNode) -> set[str]:
        """Return the names in the response of all root fields; each fragment is looked at once."""
        keys: set[str] = set()
        todo, fragments = [root], set()
        while todo:
            for selection in todo.pop().selections:
                if isinstance(selection, FieldNode):
                    keys.add((selection.alias or selection.name).value)
                elif isinstance(selection, InlineFragmentNode):
                    todo.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    fragment = None if name in fragments else self.context.get_fragment(name)
                    fragments.add(name)
                    if fragment is not None:
                        todo.append(fragment.selection_set)
        return keys

    def _all(self, selection_set: SelectionSetNode, kind: Any) -> Measure:
        """Return the measure of a selection set: costs and aliases add up, the greatest depth counts."""
        measures = [self._selection(selection, kind) for selection in selection_set.selections]
        return Measure(
            sum(measure.cost for measure in measures),
            max((measure.depth for measure in measures), default=0),
            sum(measure.aliases for measure in measures),
        )

    def _selection(self, selection: Any, kind: Any) -> Measure:
        if isinstance(selection, FragmentSpreadNode):
            return self._spread(selection.name.value)
        if isinstance(selection, InlineFragmentNode):
            on = selection.type_condition
            type = self.context.schema.get_type(on.name.value) if on else kind
            return self._all(selection.selection_set, type)
        return self._field(selection, kind)

    def _spread(self, name: str) -> Measure:
        """Return the measure of a fragment, which is measured once however often it is spread."""
        if name not in self._fragments:
            self._fragments[name] = Measure()  # one that spreads itself is another rule's concern
            fragment: FragmentDefinitionNode | None = self.context.get_fragment(name)
            if fragment is not None:
                type = self.context.schema.get_type(fragment.type_condition.name.value)
                self._fragments[name] = self._all(fragment.selection_set, type)
        return self._fragments[name]

    def _field(self, field: FieldNode, kind: Any) -> Measure:
        name, alias_count = field.name.value, 1 if field.alias else 0
        has_fields = isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        definition = kind.fields.get(name) if has_fields else None
        if field.selection_set is None or definition is None:
            return Measure(0, 1, alias_count)
        measure = self._all(field.selection_set, get_named_type(definition.type))
        if name in PARTS:
            cost = measure.cost
        else:
            cost = self._length(field, definition) * (1 + measure.cost)
        return Measure(cost, measure.depth + 1, measure.aliases + alias_count)

    def _length(self, field: FieldNode, definition: Any) -> int:
        """Return the most things that a field gives."""
        name, kind = field.name.value, definition.type
        if "first" in definition.args:
            first = next((a.value for a in field.arguments or () if a.name.value == "first"), None)
            if isinstance(first, IntValueNode):
                return min(max(int(first.value), 1), MOST)
            if isinstance(first, VariableNode):
                return MOST  # whatever its default is: the document is measured without its values
            return PAGE
        while isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if isinstance(kind, GraphQLList):
            return LENGTHS.get(name, USUAL)
        return WHOLE.get(name, 1)


def too_large(name: str, count: int, limit: int, at: Node | None = None) -> GraphQLError:
    message = (
        f"The operation is too large: {name} {count}, {limit} are allowed; ask for less at a time."
    )
    return GraphQLError(message, at, extensions={"code": "TOO_COSTLY"})


def _operations(definitions: Any) -> int:
    return sum(isinstance(definition, OperationDefinitionNode) for definition in definitions)
