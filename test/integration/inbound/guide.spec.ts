import { expect, it } from 'vitest';
import { startTestApp } from '../../support/app.js';
import { runGuide } from '../../support/guide.js';

it('the commands of docs/guides/inbound.md work as they stand, pasted in order', async () => {
  const app = await startTestApp({ config: { RELAY_INTERVAL_MS: '50' } });
  try {
    const stdout = await runGuide(app, 'inbound.md');
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
