import { createRequire } from 'node:module';
import type { SignedRequest } from './signed-request.js';

/**
 * What n8n puts around the code of a Code node ("Run Once for All Items") that stands behind a Webhook node named "Webhook", as
 * far as the snippets touch it; a stand-in, since n8n itself is too large for this suite.
 *
 * The Webhook node gives one item `{json: {headers, params, query, body, …}}`; with its option "Raw Body" the bytes are in the binary
 * property "data". `$node[name].context` holds what a node remembers for itself while a workflow runs: a Webhook node remembers nothing.
 */
export async function runInCodeNode(source: string, request: SignedRequest): Promise<unknown> {
  const json = {
    headers: request.headers,
    params: {},
    query: {},
    body: JSON.parse(request.body),
    webhookUrl: 'https://n8n.example.com/webhook/contact-created',
    executionMode: 'production',
  };
  const first = { json, binary: { data: { data: Buffer.from(request.body).toString('base64') } } };
  const inputs = { first: () => first, all: () => [first] };
  const helpers = {
    getBinaryDataBuffer: async (index: number, property: 'data') =>
      Buffer.from([first][index]?.binary[property].data ?? '', 'base64'),
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const run = new AsyncFunction('$json', '$input', '$node', '$', 'require', source);
  return run.call(
    { helpers },
    json,
    inputs,
    { Webhook: { json, context: {} } },
    () => inputs,
    createRequire(import.meta.url),
  );
}
