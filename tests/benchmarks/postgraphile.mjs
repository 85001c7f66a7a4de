// PostGraphile as it is meant to be run, over the schema `board`. Arguments: where, user, database, port.
import { createServer } from "node:http";
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const { postgraphile } = require("postgraphile");
const { Pool } = require("pg");

const [host, user, database, port] = process.argv.slice(2);
const pool = new Pool({ host, user, database, max: 20 });
const handler = postgraphile(pool, "board", {
  disableDefaultMutations: true,
  disableQueryLog: true,
  graphiql: false,
  dynamicJson: true,
});
createServer(handler).listen(Number(port), "127.0.0.1");
