"""The GraphQL schema: types, questions and commands."""
