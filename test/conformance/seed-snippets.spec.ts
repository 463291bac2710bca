import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { runInCodeNode } from './n8n-code-node.js';
import { type SignatureFormat, type SignedRequest, signedRequest, signText } from './signed-request.js';
import { declaredFunction, type SnippetServer, snippet, startNodeServer, startPythonServer } from './snippet-runner.js';

type Envelope = { event: string; timestamp: string; data: Record<string, unknown> };
type VerifySignature = (payload: string, signature: string | undefined, secret: string) => boolean;

const FORMATS: SignatureFormat[] = ['hex', 'sha256='];
const SECRET = 'whsec_xo3yvJ5R8bFqk2h1m0cP7uZt4aWnE6dSgLiKjQrTsVY=';
const OTHER_SECRET = SECRET.replace('xo3y', 'yo3x');
const JS_SECRET = JSON.stringify(SECRET);

const sistemaCrm = samples<Envelope>('sistema-crm.json');
const flowkick = samples<Envelope>('flowkick.json');
const crm = samples<Record<string, unknown>>('crm.json');
const clienteCriado = sistemaCrm['cliente.criado'] as Envelope;
const userCreated = flowkick['user.created'] as Envelope;
const contactCreated = crm['contact.created'] as Record<string, unknown>;

/** Text, numbers and keys that are written differently by different JSON writers. */
const awkward: Envelope = {
  event: 'texto.estranho',
  timestamp: '2024-01-01T10:00:00Z',
  data: {
    nome: 'Zoë “Ana” 👩🏽‍💻 \u2028 </script> \\ \u0000',
    10: 'b',
    9: 'a',
    valor: 1e21,
    fração: 0.1,
    zero: -0,
    nada: null,
    lista: [[]],
  },
};

function samples<T>(file: string): Record<string, T> {
  return JSON.parse(readFileSync(new URL(`./documents/${file}`, import.meta.url), 'utf8'));
}

/** The signature that a sender without the secret might try: the right form, the wrong digits. */
function forged(request: SignedRequest): SignedRequest {
  const signature = request.headers['x-webhook-signature'] ?? '';
  return withSignature(request, signature.slice(0, -1) + (signature.endsWith('0') ? '1' : '0'));
}

function withSignature(request: SignedRequest, signature: string | null): SignedRequest {
  const { 'x-webhook-signature': _, ...headers } = request.headers;
  return { ...request, headers: signature === null ? headers : { ...headers, 'x-webhook-signature': signature } };
}

async function post(url: string, { headers, body }: SignedRequest): Promise<{ status: number; body: string }> {
  const response = await fetch(url, { method: 'POST', headers, body });
  return { status: response.status, body: await response.text() };
}

/** Starts the server before the tests of a describe block, ends it after them. */
function serving(start: () => Promise<SnippetServer>, path: string) {
  let server: SnippetServer | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());
  return {
    send: (request: SignedRequest) => post(`${server?.url}${path}`, request),
    output: () => server?.output() ?? '',
  };
}

describe('Sistema CRM guide: verifySignature of "Segurança"', () => {
  const printed = declaredFunction<VerifySignature>(snippet('sistema-crm.verify-signature.cjs'), 'verifySignature');
  const corrected = declaredFunction<VerifySignature>(
    snippet('sistema-crm.verify-signature.corrected.cjs'),
    'verifySignature',
  );
  const signatureOf = (request: SignedRequest) => request.headers['x-webhook-signature'];

  it('as printed verifies bare hex', async () => {
    const request = await signedRequest({ secret: SECRET, body: clienteCriado, signatureFormat: 'hex' });
    expect(printed(request.body, signatureOf(request), SECRET)).toBe(true);
    expect(printed(request.body, signatureOf(forged(request)), SECRET)).toBe(false);
  });

  it('as printed cannot verify the header the same section shows: "sha256=…" is not hex, so it compares nothing with 32 bytes', async () => {
    const request = await signedRequest({ secret: SECRET, body: clienteCriado, signatureFormat: 'sha256=' });
    expect(Buffer.from(signatureOf(request) ?? '', 'hex')).toHaveLength(0);
    expect(() => printed(request.body, signatureOf(request), SECRET)).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH' }),
    );
  });

  it.each(FORMATS)('corrected verifies %s and refuses everything else without throwing', async (signatureFormat) => {
    for (const body of [...Object.values(sistemaCrm), awkward]) {
      const request = await signedRequest({ secret: SECRET, body, signatureFormat });
      expect(corrected(request.body, signatureOf(request), SECRET)).toBe(true);
      expect(corrected(request.body, signatureOf(forged(request)), SECRET)).toBe(false);
      expect(corrected(`${request.body} `, signatureOf(request), SECRET)).toBe(false);
      expect(corrected(request.body, signatureOf(request), `${SECRET}x`)).toBe(false);
      for (const nonsense of [undefined, '', 'sha256=', 'zz', 'abcd']) {
        expect(corrected(request.body, nonsense, SECRET)).toBe(false);
      }
    }
  });
});

describe('Sistema CRM guide: the Express example, as printed', () => {
  const source = snippet('sistema-crm.express.cjs', { "'sua_chave_secreta'": JS_SECRET });
  const { send, output } = serving(() => startNodeServer(source), '/webhook');

  describe.each(FORMATS)('with %s', (signatureFormat) => {
    const signed = (body: object) => signedRequest({ secret: SECRET, body, signatureFormat });

    it('verifies every event of the guide that it has a handler for, or none', async () => {
      for (const envelope of [...Object.values(sistemaCrm), awkward].filter(({ event }) => event !== 'tarefa.criada')) {
        expect(await send(await signed(envelope))).toEqual({ status: 200, body: '{"success":true}' });
      }
      await eventually(() => expect(output()).toContain("email: 'joao@example.com'"));
    });

    it('answers 401 to a forged signature and to a changed body', async () => {
      const request = await signed(clienteCriado);
      const refused = { status: 401, body: '{"error":"Assinatura inválida"}' };
      expect(await send(forged(request))).toEqual(refused);
      expect(await send({ ...request, body: request.body.replace('João', 'Joana') })).toEqual(refused);
    });

    it('verifies tarefa.criada and then fails: the handler it calls is not in the example', async () => {
      expect((await send(await signed(sistemaCrm['tarefa.criada'] as Envelope))).status).toBe(500);
      await eventually(() => expect(output()).toContain('handleTarefaCriada is not defined'));
    });
  });

  it('refuses a rightly signed body with a space in it, the guide’s own curl test included: it hashes JSON.stringify(req.body)', async () => {
    expect((await send(signText(SECRET, '{"test": true}', 'sha256='))).status).toBe(401);
    expect((await send(signText(SECRET, '{"test":true}', 'sha256='))).status).toBe(200);
  });

  it('answers 500 to a signature that is missing or of another length, and 413 to bodies over 100 kB', async () => {
    const request = await signedRequest({ secret: SECRET, body: clienteCriado, signatureFormat: 'sha256=' });
    expect((await send(withSignature(request, null))).status).toBe(500);
    expect((await send(withSignature(request, 'sha256=abcd'))).status).toBe(500);
    const large = { ...clienteCriado, data: { ...clienteCriado.data, nota: 'x'.repeat(110_000) } };
    expect((await send(await signedRequest({ secret: SECRET, body: large, signatureFormat: 'hex' }))).status).toBe(413);
  });
});

describe('Sistema CRM guide: the Express example, corrected', () => {
  const source = snippet('sistema-crm.express.corrected.cjs', { "'sua_chave_secreta'": JS_SECRET });
  const { send, output } = serving(() => startNodeServer(source), '/webhook');

  it.each(FORMATS)('verifies every event with %s, also large and awkward ones', async (signatureFormat) => {
    const large = { ...clienteCriado, data: { ...clienteCriado.data, nota: 'x'.repeat(500_000) } };
    for (const body of [...Object.values(sistemaCrm), awkward, large]) {
      expect(await send(await signedRequest({ secret: SECRET, body, signatureFormat }))).toEqual({
        status: 200,
        body: '{"success":true}',
      });
    }
    await eventually(() => expect(output()).toContain("titulo: 'Configurar sistema'"));
  });

  it('hashes the bytes that came', async () => {
    expect((await send(signText(SECRET, '{"test": true}', 'sha256='))).status).toBe(200);
  });

  it('answers 401 to everything that is not signed with the secret', async () => {
    const request = await signedRequest({ secret: SECRET, body: clienteCriado, signatureFormat: 'sha256=' });
    const other = await signedRequest({ secret: OTHER_SECRET, body: clienteCriado, signatureFormat: 'sha256=' });
    const empty = { ...request, body: '' };
    const changed = { ...request, body: `${request.body} ` };
    for (const attempt of [
      forged(request),
      withSignature(request, null),
      withSignature(request, 'abcd'),
      other,
      empty,
      changed,
    ]) {
      expect((await send(attempt)).status).toBe(401);
    }
  });
});

describe('Sistema CRM guide: the Flask example, as printed', () => {
  const source = snippet('sistema-crm.flask.py', { "'sua_chave_secreta'": JS_SECRET, 'port=3000': 'port=0' });
  const { send, output } = serving(() => startPythonServer(source), '/webhook');

  describe.each(FORMATS)('with %s', (signatureFormat) => {
    const signed = (body: object) => signedRequest({ secret: SECRET, body, signatureFormat });

    it('verifies every event of the guide that it has a handler for, or none', async () => {
      for (const envelope of [...Object.values(sistemaCrm), awkward].filter(({ event }) => event !== 'tarefa.criada')) {
        const answer = await send(await signed(envelope));
        expect({ ...answer, body: JSON.parse(answer.body) }).toEqual({ status: 200, body: { success: true } });
      }
      await eventually(() => expect(output()).toContain("'email': 'joao@example.com'"));
    });

    it('answers 401 to a forged, missing or malformed signature and to a changed body', async () => {
      const request = await signed(clienteCriado);
      const changed = { ...request, body: request.body.replace('João', 'Joana') };
      for (const attempt of [forged(request), withSignature(request, null), withSignature(request, 'abcd'), changed]) {
        expect((await send(attempt)).status).toBe(401);
      }
    });

    it('verifies tarefa.criada and then fails: the handler it calls is not in the example', async () => {
      expect((await send(await signed(sistemaCrm['tarefa.criada'] as Envelope))).status).toBe(500);
      await eventually(() => expect(output()).toContain("name 'handle_tarefa_criada' is not defined"));
    });
  });

  it('verifies the guide’s own curl test and then fails: its body names no event', async () => {
    expect((await send(signText(SECRET, '{"test": true}', 'sha256='))).status).toBe(500);
    await eventually(() => expect(output()).toContain("KeyError: 'event'"));
  });
});

describe('Sistema CRM guide: the Flask example, corrected', () => {
  const source = snippet('sistema-crm.flask.corrected.py', { "'sua_chave_secreta'": JS_SECRET, 'port=3000': 'port=0' });
  const { send, output } = serving(() => startPythonServer(source), '/webhook');

  it.each(FORMATS)('verifies every event with %s', async (signatureFormat) => {
    for (const body of [...Object.values(sistemaCrm), awkward]) {
      expect((await send(await signedRequest({ secret: SECRET, body, signatureFormat }))).status).toBe(200);
    }
    expect((await send(signText(SECRET, '{"test": true}', signatureFormat))).status).toBe(200);
    await eventually(() => expect(output()).toContain("'titulo': 'Configurar sistema'"));
  });

  it('answers 401 to everything that is not signed with the secret', async () => {
    const request = await signedRequest({ secret: SECRET, body: clienteCriado, signatureFormat: 'sha256=' });
    const changed = { ...request, body: `${request.body} ` };
    for (const attempt of [
      forged(request),
      withSignature(request, null),
      withSignature(request, 'sha256=é'),
      changed,
    ]) {
      expect((await send(attempt)).status).toBe(401);
    }
  });
});

describe('FlowKick guide: the express.raw example', () => {
  /** The guide shows the middle of a program; this is what it presumes around it. */
  const around = (code: string) => `
    const express = require('express');
    const app = express();
    const YOUR_WEBHOOK_SECRET = ${JS_SECRET};
    ${code}
    app.listen(3000);`;
  const bookingCancelled = {
    event: 'booking.noted',
    timestamp: userCreated.timestamp,
    data: { booking: { id: '1' } },
  };

  describe('as printed', () => {
    const { send, output } = serving(
      () => startNodeServer(around(snippet('flowkick.express-raw.cjs'))),
      '/webhooks/flowkick',
    );

    it('verifies bare hex', async () => {
      for (const body of [userCreated, bookingCancelled, awkward]) {
        const request = await signedRequest({ secret: SECRET, body, signatureFormat: 'hex' });
        expect(await send(request)).toEqual({ status: 200, body: '{"received":true}' });
        expect(await send(forged(request))).toEqual({ status: 401, body: '{"error":"Invalid signature"}' });
        expect((await send({ ...request, body: `${request.body} ` })).status).toBe(401);
      }
      await eventually(() => expect(output()).toContain("instagramUsername: 'johndoe'"));
    });

    it('cannot verify sha256=: it compares strings of different lengths, throws, and answers 500', async () => {
      const request = await signedRequest({ secret: SECRET, body: userCreated, signatureFormat: 'sha256=' });
      expect((await send(request)).status).toBe(500);
      await eventually(() => expect(output()).toContain('ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH'));
    });

    it('answers 500 to a missing signature and 413 to bodies over 100 kB', async () => {
      const request = await signedRequest({ secret: SECRET, body: userCreated, signatureFormat: 'hex' });
      expect((await send(withSignature(request, null))).status).toBe(500);
      const large = { ...userCreated, event: 'user.described', data: { user: { bio: 'x'.repeat(110_000) } } };
      expect((await send(await signedRequest({ secret: SECRET, body: large, signatureFormat: 'hex' }))).status).toBe(
        413,
      );
    });
  });

  describe('corrected', () => {
    const source = around(snippet('flowkick.express-raw.corrected.cjs'));
    const { send } = serving(() => startNodeServer(source), '/webhooks/flowkick');

    it.each(FORMATS)('verifies %s and answers 401 to everything else', async (signatureFormat) => {
      const large = { ...userCreated, event: 'user.described', data: { user: { bio: 'x'.repeat(500_000) } } };
      for (const body of [userCreated, bookingCancelled, awkward, large]) {
        const request = await signedRequest({ secret: SECRET, body, signatureFormat });
        expect(await send(request)).toEqual({ status: 200, body: '{"received":true}' });
        const changed = { ...request, body: `${request.body} ` };
        for (const attempt of [
          forged(request),
          withSignature(request, null),
          withSignature(request, 'abcd'),
          changed,
        ]) {
          expect((await send(attempt)).status).toBe(401);
        }
      }
    });
  });
});

describe('CRM guide: the n8n example', () => {
  const fill = { '"your-webhook-secret"': JS_SECRET };
  const printed = snippet('crm.n8n-code.js', fill);
  const corrected = snippet('crm.n8n-code.corrected.js', fill);

  it('as printed cannot read the signature: a node’s context does not hold the headers', async () => {
    const request = await signedRequest({ secret: SECRET, body: contactCreated, signatureFormat: 'hex' });
    await expect(runInCodeNode(printed, request)).rejects.toThrow(
      new TypeError("Cannot read properties of undefined (reading 'x-webhook-signature')"),
    );
  });

  it('would refuse every request even with the headers read: $json is the whole item, not the body', async () => {
    const readsHeaders = snippet('crm.n8n-code.js', {
      ...fill,
      '$node["Webhook"].context["headers"]': '$json.headers',
    });
    const request = await signedRequest({ secret: SECRET, body: contactCreated, signatureFormat: 'hex' });
    await expect(runInCodeNode(readsHeaders, request)).rejects.toThrow('Invalid webhook signature');

    const hashesBody = readsHeaders.replace('JSON.stringify($json)', 'JSON.stringify($json.body)');
    expect(await runInCodeNode(hashesBody, request)).toMatchObject({ body: contactCreated });
  });

  it.each(FORMATS)('corrected verifies %s over the raw body and hands on the event', async (signatureFormat) => {
    for (const body of [contactCreated, awkward]) {
      const request = await signedRequest({ secret: SECRET, body, signatureFormat });
      expect(await runInCodeNode(corrected, request)).toEqual([{ json: JSON.parse(request.body) }]);
      const changed = { ...request, body: `${request.body} ` };
      for (const attempt of [forged(request), withSignature(request, null), withSignature(request, 'abcd'), changed]) {
        await expect(runInCodeNode(corrected, attempt)).rejects.toThrow('Invalid webhook signature');
      }
    }
  });
});

describe('Activepieces: the code step', () => {
  it.each(FORMATS)('verifies %s and stops the flow otherwise', async (signatureFormat) => {
    const { code } = await import('./documents/activepieces.code.mjs');
    const run = ({ headers, body }: SignedRequest) =>
      code({ rawBody: body, signature: headers['x-webhook-signature'], secret: SECRET });
    const request = await signedRequest({ secret: SECRET, body: contactCreated, signatureFormat });
    expect(await run(request)).toEqual(contactCreated);
    for (const attempt of [forged(request), withSignature(request, null), { ...request, body: `${request.body} ` }]) {
      await expect(run(attempt)).rejects.toThrow('Invalid webhook signature');
    }
  });
});

describe('Standard Webhooks libraries', () => {
  it('verify every request, whichever signatureFormat the subscription has', async () => {
    for (const body of [clienteCriado, userCreated, contactCreated, awkward]) {
      for (const signatureFormat of FORMATS) {
        const request = await signedRequest({ secret: SECRET, body, signatureFormat });
        expect(new Webhook(SECRET).verify(request.body, request.headers)).toEqual(JSON.parse(request.body));
        expect(() => new Webhook(SECRET).verify(`${request.body} `, request.headers)).toThrow(
          'No matching signature found',
        );
      }
    }
  });
});

describe('the code of the guides', () => {
  it.each([
    ['sistema-crm.verify-signature.cjs', '02f7c393a2f5e97ff886ac2632af2c8cbd47ccc7d10ddaa133bde01ac9b1dbf6'],
    ['sistema-crm.express.cjs', '53e8f6d14609d2b4ea84462a810fb199b61b46105d51a20cf5dcf21cb53e4596'],
    ['sistema-crm.flask.py', '2b34be592e968c061483e7a24657a38fa25db870d7ddcd28dc68cc0962d12866'],
    ['flowkick.express-raw.cjs', '7fd126f7c016922409f4b89e773b89a1f8e3411188ec24382f7c9f3f73fc75a3'],
    ['crm.n8n-code.js', '41e231882dd476749e9b5bc91f4af8b1f94cfeb6723b63846311932e88f77935'],
  ])('%s is what the guide prints, below one line that names it', (file, sha256) => {
    const printed = snippet(file).replace(/^.*exactly as printed there\. Do not edit\.\n/, '');
    expect(createHash('sha256').update(printed).digest('hex')).toBe(sha256);
  });
});

describe('docs/guides/verify-signatures.md', () => {
  it.each([
    'sistema-crm.verify-signature.corrected.cjs',
    'sistema-crm.express.corrected.cjs',
    'sistema-crm.flask.corrected.py',
    'flowkick.express-raw.corrected.cjs',
    'crm.n8n-code.corrected.js',
    'activepieces.code.mjs',
  ])('prints %s as it is tested here', (file) => {
    const guide = readFileSync(new URL('../../docs/guides/verify-signatures.md', import.meta.url), 'utf8');
    const code = snippet(file).replace(/^(?:(?:\/\/|#) .*\n)+/, '');
    expect(guide).toContain(`\n${code}\`\`\`\n`);
  });
});
