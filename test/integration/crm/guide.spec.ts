import { expect, it } from 'vitest';
import { startTestApp } from '../../support/app.js';
import { runGuide } from '../../support/guide.js';

it('the commands of docs/guides/crm-data.md work as they stand, pasted in order', async () => {
  const app = await startTestApp();
  try {
    const stdout = await runGuide(app, 'crm-data.md');
    for (const shown of [
      '"cancelReason":"rain"',
      '"endTime":"2030-02-10T23:30:00.000Z"',
      '"scanCount":1',
      '"validatedBy":"till-1"',
      '"text":"Hello"',
      '"wonAt":"2',
      '"key":"negotiation"',
      '"number":"in_2001"',
    ])
      expect(stdout).toContain(shown);
    expect(stdout).not.toMatch(/"code":"(invalid_request|not_found|conflict|route_not_found)"/);
  } finally {
    await app.close();
  }
}, 180_000);
