import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { createTenant } from '../tenants/tenancy.js';
import { insertContact, insertTag } from './contacts.js';

/** "Data Export", "View Export Logs", "Webhook Delivery Statistics" and "Testing" of the FlowKick guide, word for word. */
const guide = await readFile(new URL('../../conformance/documents/flowkick.exports.md', import.meta.url), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block);

let app: TestApp;
let receiver: Receiver;
let folder: string;
let adminId: string;
beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  folder = await mkdtemp(path.join(os.tmpdir(), 'posthaste-exports-'));
  adminId = (await Api.of(app).get('/api/auth/me')).id;
  const id = await insertContact(app.database, app.tenant.id, {
    email: 'vip@example.com',
    created_at: '2025-03-01T00:00:00Z',
    export_consent_given: true,
  });
  await insertTag(app.database, app.tenant.id, 'vip', [id]);
  await insertContact(app.database, app.tenant.id, { email: 'old@example.com', created_at: '2024-03-01T00:00:00Z' });
});
afterAll(async () => {
  await Promise.all([app.close(), receiver.close(), rm(folder, { recursive: true, force: true })]);
});

/** What the guide leaves for its reader to put in. */
const filledIn = (text: string) =>
  text.replaceAll('your-admin-id', adminId).replaceAll('http://localhost:3000', app.url);

it('its curl commands work as printed, with a credential added', async () => {
  const commands = blocks('bash');
  expect(commands).toHaveLength(2);
  for (const command of commands) {
    const script = filledIn(command).replace('curl ', `curl -sS --fail -H "Authorization: Bearer ${app.apiKey}" `);
    await promisify(execFile)('bash', ['-euc', script], { cwd: folder, timeout: 60_000 });
  }
  const csv = await readFile(path.join(folder, 'users.csv'), 'utf8');
  expect(csv).toMatch(/^id,manychatId,/);
  expect(csv).toContain('vip@example.com');
  expect(csv).not.toContain('old@example.com');
  const json = JSON.parse(await readFile(path.join(folder, 'users.json'), 'utf8'));
  expect(json).toMatchObject({
    success: true,
    users: [{ email: 'vip@example.com', bookings: [] }, { email: 'old@example.com' }],
  });
});

it('its requests work as printed, with a credential added', async () => {
  const requests = blocks('http').map((block) => /^GET (\S+)\nX-Admin-ID: (\S+)/.exec(block) as RegExpExecArray);
  expect(requests).toHaveLength(2);
  for (const [, target] of requests) {
    const headers = { 'x-admin-id': adminId, authorization: `Bearer ${app.apiKey}` };
    const answer = await fetch(app.url + target, { headers });
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toContain('vip@example.com');
    expect(text).not.toContain('old@example.com');
  }
});

it('its query of export logs runs as printed and has every export of that admin', async () => {
  const [query = ''] = blocks('sql');
  await eventually(async () => {
    const rows = await app.database.query(filledIn(query));
    expect(rows).toHaveLength(4);
    for (const row of rows)
      expect(row).toMatchObject({
        adminId,
        tenantId: app.tenant.id,
        resource: 'contacts',
        status: 'succeeded',
        fileHash: expect.any(String),
      });
    expect(rows.map((row) => row.filters)).toContainEqual({ createdAfter: '2025-01-01', limit: 10 });
  });
  expect(await app.database.query(query)).toEqual([]);
});

it('its statistics of webhooks run as printed, for each name by which an admin may call himself', async () => {
  const api = Api.of(app);
  await api.post('/api/admin/webhooks', { name: 'My CRM Webhook', url: receiver.url, events: ['stat.one'] }, 201);
  await api.post('/api/admin/webhooks', { name: 'Off', url: receiver.url, events: ['stat.*'], active: false }, 201);
  await api.post('/api/v1/events', { type: 'stat.one', data: {} }, 202);
  await createTenant(app, 'no-webhooks');
  const [, query = ''] = blocks('sql');
  await eventually(async () => {
    const rows = await app.database.query(filledIn(query));
    expect(rows).toEqual([
      {
        name: 'My CRM Webhook',
        successcount: '1',
        failedcount: '0',
        lastdeliverystatus: 'success',
        lastdeliveryat: expect.any(Date),
      },
    ]);
    const owner = query.replace('your-admin-id', app.owner.email);
    expect(await app.database.query(owner)).toEqual(rows);
    expect(await app.database.query(query.replace('your-admin-id', 'owner@no-webhooks.example'))).toEqual([]);
  });
});

it('the commands of docs/guides/exports.md work as they stand, pasted in order', async () => {
  const exports = await readFile(new URL('../../../docs/guides/exports.md', import.meta.url), 'utf8');
  const script = [...exports.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block).join('\n');
  const env = { ...process.env, POSTHASTE: app.url, POSTHASTE_KEY: app.apiKey };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env,
    timeout: 60_000,
  });
  const { sha256 } = JSON.parse(stdout.split('\n', 1)[0] as string);
  expect(stdout).toContain(`${sha256}  contacts.csv`);
  const file = await readFile(path.join(folder, 'contacts.csv'), 'utf8');
  expect(file).toMatch(/^\uFEFFid,/);
  expect(file).toContain('vip@example.com');
  expect(file).not.toContain('old@example.com');
});
