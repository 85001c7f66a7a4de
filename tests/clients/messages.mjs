// Three clients of npm at the door for HL7 v2: simple-hl7, @medplum/hl7, node-hl7-client.
// Each sends an admission, the same once more, a transfer, and a message whose sender nobody knows.
import { Hl7Message } from "@medplum/core";
import { Hl7Client } from "@medplum/hl7";
import { Client, Message } from "node-hl7-client";
import simple from "simple-hl7";

const port = Number(process.argv[2]);
const host = "127.0.0.1";
const EXPECTED = ["AA", "AA", "AA", "AR"];

const messages = (name) => {
  const visit = `PV1||I|Waiting||||||||||||||||${name}`;
  const adt = (trigger, control, sender = "CLIENT") =>
    [
      `MSH|^~\\&|${sender}||||20260302101500+0100||ADT^${trigger}^ADT_${trigger}|${name}-${control}|P|2.5`,
      `EVN|${trigger}|20260302101500+0100||||20260302100000+0100`,
      `PID|||${name}^^^^MR||Every^Adam||19700101|M`,
      visit,
    ].join("\r");
  return [adt("A01", 1), adt("A01", 1), adt("A02", 2), adt("A01", 3, "NOBODY")];
};

const bySimple = async (texts) => {
  const client = simple.Server.createTcpClient({ host, port, keepalive: true });
  const parser = new simple.Parser();
  const codes = [];
  for (const text of texts) {
    const ack = await new Promise((done, failed) =>
      client.send(parser.parse(text), (error, answer) => (error ? failed(error) : done(answer))),
    );
    codes.push(String(ack.getSegment("MSA").getField(1)));
  }
  client.close();
  return codes;
};

const byMedplum = async (texts) => {
  const client = new Hl7Client({ host, port });
  const codes = [];
  for (const text of texts) {
    const answer = await client.sendAndWait(Hl7Message.parse(text));
    codes.push(String(answer.getSegment("MSA").getField(1)));
  }
  await client.close();
  return codes;
};

const byNodeHl7 = async (texts) => {
  const codes = [];
  const client = new Client({ host, version: "2.5" });
  let answered = () => {};
  const connection = client.createConnection({ port }, async (answer) => {
    codes.push(answer.getMessage().get("MSA.1").toString());
    answered();
  });
  for (const text of texts) {
    const answer = new Promise((done) => (answered = done));
    await connection.sendMessage(new Message({ text }));
    await answer;
  }
  await connection.close();
  return codes;
};

let failed = 0;
for (const [name, send] of Object.entries({ bySimple, byMedplum, byNodeHl7 })) {
  const codes = await send(messages(name));
  const isWell = JSON.stringify(codes) === JSON.stringify(EXPECTED);
  console.log(`${name}: ${isWell ? "ok" : `got ${codes}`}`);
  failed += isWell ? 0 : 1;
}
process.exit(failed);
