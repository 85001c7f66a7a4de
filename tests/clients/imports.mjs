// relay-compiler writes imports without ".js", for bundlers; node wants it.
import { register } from "node:module";

const hook = `export const resolve = (name, context, next) =>
  next(name.endsWith(".graphql") ? name + ".js" : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
