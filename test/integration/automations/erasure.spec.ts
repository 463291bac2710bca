import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { Clinic } from './clinic.js';

let clinic: Clinic;
beforeAll(async () => {
  clinic = await Clinic.open();
});
afterAll(() => clinic.close());

interface Told {
  provider: string;
  status: string;
  error: string | null;
}

/** A contact here, and the same person at both providers. */
async function person(name: string, phone: string) {
  const email = `${name.toLowerCase()}@example.com`;
  const { id } = await clinic.api.post('/api/v1/contacts', { email, phone, firstName: name }, 201);
  const phones = { primaryPhoneNumber: phone, primaryPhoneCallingCode: null };
  clinic.twenty.addPerson({
    name: { firstName: name, lastName: '' },
    emails: { primaryEmail: email },
    phones: { primaryPhoneNumber: null, primaryPhoneCallingCode: null },
  });
  // Another record of the person, known by number alone.
  clinic.twenty.addPerson({ name: { firstName: name, lastName: 'again' }, emails: { primaryEmail: null }, phones });
  const contact = clinic.chatwoot.addContact({ name, email, phone_number: phone });
  clinic.chatwoot.addConversation(contact.id);
  return { id: id as string, email };
}

const atTwenty = () => clinic.twenty.people.map(({ name }) => (name as { firstName: string }).firstName);

async function told(contactId: string): Promise<Record<string, Told>> {
  const { providers } = await clinic.api.get(`/api/v1/contacts/${contactId}/erasure`);
  return Object.fromEntries((providers as Told[]).map((one) => [one.provider, one]));
}

describe('the providers of connections', () => {
  it('are told of an erasure: every record of the person goes, with its conversations, and nobody else’s', async () => {
    const ada = await person('Ada', '+5511999990001');
    await person('Bob', '+5511999990002');
    await clinic.settled();
    await clinic.api.delete(`/api/v1/contacts/${ada.id}?erase=true`, 202);
    await eventually(async () => {
      const { twenty, chatwoot } = await told(ada.id);
      expect([twenty?.status, chatwoot?.status]).toEqual(['done', 'done']);
    });
    expect(atTwenty()).not.toContain('Ada');
    expect(atTwenty()).toContain('Bob');
    expect(clinic.chatwoot.contacts.map(({ email }) => email)).not.toContain(ada.email);
    expect(clinic.chatwoot.contacts.map(({ email }) => email)).toContain('bob@example.com');
    const left = clinic.chatwoot.contacts.map(({ id }) => id);
    expect(clinic.chatwoot.conversations.every(({ contact_id }) => left.includes(contact_id))).toBe(true);
  });

  it('that cannot erase through their API are named, with what is to be done', async () => {
    const cleo = await person('Cleo', '+5511999990003');
    await clinic.settled();
    await clinic.api.delete(`/api/v1/contacts/${cleo.id}?erase=true`, 202);
    await eventually(async () => {
      expect((await told(cleo.id)).calcom).toMatchObject({
        status: 'failed',
        error: 'Cal.com has no way to erase a person through this connection: do it there.',
      });
    });
  });

  it('are told again when they were away, and what names the person is kept until then only', async () => {
    const dora = await person('Dora', '+5511999990004');
    await clinic.settled();
    clinic.chatwoot.role = 'agent';
    clinic.twenty.denied.add('write');
    await clinic.api.delete(`/api/v1/contacts/${dora.id}?erase=true`, 202);
    await eventually(async () => {
      const { twenty, chatwoot } = await told(dora.id);
      expect([twenty?.status, chatwoot?.status]).toEqual(['failed', 'failed']);
      expect(chatwoot?.error).toContain('Chatwoot did not delete the contact');
    });
    clinic.chatwoot.role = 'administrator';
    clinic.twenty.denied.delete('write');

    const ella = await person('Ella', '+5511999990005');
    await clinic.settled();
    clinic.twenty.failNext(503, { times: 1000 });
    await clinic.api.delete(`/api/v1/contacts/${ella.id}?erase=true`, 202);
    await eventually(async () => {
      const { twenty, chatwoot } = await told(ella.id);
      expect(chatwoot?.status).toBe('done');
      expect(twenty).toMatchObject({ status: 'pending', error: expect.stringContaining('Twenty') });
    });
    const kept = () => clinic.app.database.query('select provider from erasure_requests where person is not null');
    expect(await kept()).toEqual([{ provider: 'twenty' }]);
    clinic.twenty.heal();
    clinic.clock.advance({ minutes: 1 });
    await eventually(async () => expect((await told(ella.id)).twenty?.status).toBe('done'));
    expect(atTwenty()).not.toContain('Ella');
    expect(await kept()).toEqual([]);
  });
});
