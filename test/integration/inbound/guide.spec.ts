import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startTestApp } from '../../support/app.js';

it('the commands of docs/guides/inbound.md work as they stand, pasted in order', async () => {
  const guide = await readFile(new URL('../../../docs/guides/inbound.md', import.meta.url), 'utf8');
  const app = await startTestApp({ config: { RELAY_INTERVAL_MS: '50' } });
  try {
    const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map((block) => block[1]).join('\n');
    const script = commands
      .replace('POSTHASTE=http://localhost:8001', `POSTHASTE=${app.url}`)
      .replace("POSTHASTE_KEY='phk_...'", `POSTHASTE_KEY='${app.apiKey}'`);
    expect(script).toContain(app.apiKey);
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { timeout: 100_000 });
    for (const shown of [
      '"event_name":"lead.captured"',
      '{"received":true}',
      '"code":"inbound_refused"',
      'signature does not match: is the secret the one of this endpoint?',
      '{"received":true,"id":"',
      'invitee.created',
      '"contactId":"',
    ])
      expect(stdout).toContain(shown);
    expect(stdout).not.toContain('"status":404');
    const rows = await app.database.query('select source, event_name, status from integration_events order by id');
    expect(rows).toMatchObject([
      { source: 'api', event_name: 'lead.captured' },
      { source: 'github', event_name: 'pull_request' },
      { source: 'calendly', event_name: 'invitee.created' },
    ]);
  } finally {
    await app.close();
  }
}, 180_000);
