import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { CalendlyServer } from '../../support/providers/calendly.js';

const SECRET = 'the-secret-in-the-env-file';
let app: TestApp;
let calendly: CalendlyServer;

beforeAll(async () => {
  [app, calendly] = await Promise.all([startTestApp(), CalendlyServer.start()]);
});
afterAll(() => Promise.all([app.close(), calendly.close()]));

async function run(command: string, env: Record<string, string>, ...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL('../../../scripts/posthaste.mjs', import.meta.url));
  const { PATH } = process.env;
  const all = { PATH, POSTHASTE: app.url, POSTHASTE_KEY: app.apiKey, CALENDLY_WEBHOOK_SECRET: SECRET, ...env };
  const { stdout } = await promisify(execFile)(process.execPath, [file, 'calendly', command, ...args], {
    env: all,
    timeout: 60_000,
  });
  return stdout;
}

it("the Calendly guide's two scripts register the webhook once, at the tunnel's address, and send it a booking that is stored", async () => {
  const env = {
    CALENDLY_TOKEN: calendly.token,
    CALENDLY_BASE_URL: calendly.url,
    NGROK_URL: 'https://tu.ngrok.example',
  };
  expect(await run('register', env)).toContain('Calendly sends invitee.created and invitee.canceled to https://tu.');
  await run('register', { NGROK_URL: env.NGROK_URL });
  const url = `https://tu.ngrok.example/api/v1/calendly/webhook?tenant=${app.tenant.id}`;
  expect(calendly.webhooks).toMatchObject([{ callback_url: url, signing_key: SECRET }]);

  expect(await run('send-test', {})).toContain('invitee.created from calendly');
  expect(await run('send-test', {}, '--canceled')).toContain('invitee.canceled from calendly');
  const { data } = await Api.of(app).get('/api/v1/calendly/events');
  expect(data.map(({ eventName }: { eventName: string }) => eventName)).toEqual([
    'invitee.canceled',
    'invitee.created',
  ]);
  calendly.reach = app.url;
  const [sent] = await calendly.emit('invitee.created', calendly.book({ email: 'maria@example.com' }));
  expect(sent?.answer.status).toBe(200);
});

it('they say what is missing, and with a wrong secret why nothing was stored', async () => {
  await expect(run('send-test', { CALENDLY_WEBHOOK_SECRET: 'another one' })).rejects.toThrow(
    /signature does not match/i,
  );
  await expect(run('register', { POSTHASTE_KEY: '' })).rejects.toThrow(/POSTHASTE_KEY is missing/);
});
