import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clinic } from './clinic.js';

let clinic: Clinic;
beforeAll(async () => {
  clinic = await Clinic.open();
});
afterAll(() => clinic.close());

describe('a booking of Cal.com', () => {
  it('is a contact and a booking here, an opportunity in Twenty and a message in Chatwoot', async () => {
    const { calcom, twenty, chatwoot, api } = clinic;
    const booking = calcom.addBooking({ start: '2026-03-05T13:00:00.000Z' });
    await calcom.emit('BOOKING_CREATED', booking);
    await clinic.settled();
    expect(await clinic.tasks()).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect(twenty.people).toMatchObject([{ name: { firstName: 'Ana' }, emails: { primaryEmail: 'ana@example.com' } }]);
    expect(twenty.opportunities).toMatchObject([
      { name: 'Consulta', stage: 'MEETING_SCHEDULED', pointOfContactId: twenty.people[0]!.id },
    ]);
    expect(chatwoot.contacts).toMatchObject([{ name: 'Ana', email: 'ana@example.com' }]);
    expect(chatwoot.conversations[0]!.messages).toMatchObject([
      { content: expect.stringContaining('quinta-feira, 5 de março de 2026 às 10:00'), message_type: 1 },
    ]);
    void api;
  });
});
