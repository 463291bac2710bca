// A webhook receiver in one file: prints what comes and whether its signature holds.
//   SECRET=whsec_… node examples/receiver.mjs        (PORT, default 9000)
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const port = Number(process.env.PORT ?? 9000);
const secret = process.env.SECRET;
const webhook = secret ? new Webhook(secret) : null;

function verdict(headers, body) {
  if (!webhook) return 'not checked: no SECRET';
  try {
    webhook.verify(body, headers);
    return 'signature verified';
  } catch (error) {
    return `signature refused: ${error.message}`;
  }
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  // The signature is over these bytes: verify before parsing, never after.
  const body = Buffer.concat(chunks).toString('utf8');
  console.log(
    `${request.method} ${request.url} ${request.headers['x-webhook-event'] ?? ''} (${verdict(request.headers, body)})`,
  );
  console.log(body);
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"received":true}');
}).listen(port, '127.0.0.1', () => console.log(`Receiving at http://127.0.0.1:${port}`));
