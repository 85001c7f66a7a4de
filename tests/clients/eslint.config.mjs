// graphql-eslint's rules for a schema, with its rules for Relay. What is set apart is said why.
import graphql from "@graphql-eslint/eslint-plugin";

export default [
  {
    files: ["schema.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          rootField: true,
        },
      ],
      // What can be asked for again has an id and is a Node (tests/api/test_queries.py). Results,
      // refusals, pages and values have none, and an invented one would be a lie to a client's cache.
      "@graphql-eslint/strict-id-in-types": "off",
      // `recordedAt` of `Recorded` is a public name, and says when, not again what.
      "@graphql-eslint/no-typename-prefix": "off",
      // Relay's specification wants one direction of paging; all our lists go forward.
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      // Connections have `nodes` beside `edges`, for clients that need no cursors; there are lists
      // that are no connections. Accesses and events are read by what they are about, not by id.
      "@graphql-eslint/relay-edge-types": [
        "error",
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
];
