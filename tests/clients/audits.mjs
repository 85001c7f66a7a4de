// Asks a server all audits of graphql-http; prints those that it does not pass, ends with their number.
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);
const fetchFn = (to, how = {}) =>
  fetch(to, { ...how, headers: { ...how.headers, authorization: `Bearer ${token}` } });

let passed = 0, failed = 0;
for (const audit of serverAudits({ url, fetchFn })) {
  const told = await audit.fn();
  if (told.status === "ok") {
    passed += 1;
  } else {
    failed += 1;
    console.log(`${told.status} ${audit.id} ${audit.name}: ${told.reason}`);
  }
}
console.log(`${passed} of ${passed + failed} audits`);
process.exit(Math.min(failed, 100));
