import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { Clinic, type Delivery } from './clinic.js';

let clinic: Clinic;
const told: Delivery[] = [];
beforeAll(async () => {
  clinic = await Clinic.open();
  clinic.twenty.echoes = true;
  clinic.chatwoot.echoes = true;
  for (const server of clinic.servers) clinic.listen(server, told);
});
afterAll(() => clinic.close());
beforeEach(() => {
  for (const server of clinic.servers) server.heal();
});

const contacts = (email: string) =>
  clinic.app.database.query<{ id: string; first_name: string; last_name: string; phone: string }>(
    'select id, first_name, last_name, phone from contacts where email = $1',
    [email],
  );
const inChatwoot = (email: string) => clinic.chatwoot.contacts.filter((one) => one.email === email);
const inTwenty = (email: string) => clinic.twenty.people.filter((one) => one.emails.primaryEmail === email);

/** Somebody makes a person in Twenty, or changes one. */
async function person(fields: { first: string; last?: string; email: string; phone?: string }) {
  const { first, last = '', email, phone = null } = fields;
  const record = clinic.twenty.addPerson({
    name: { firstName: first, lastName: last },
    emails: { primaryEmail: email },
    phones: { primaryPhoneNumber: phone, primaryPhoneCallingCode: phone && '+55' },
  });
  await clinic.twenty.emit('person.created', record);
  await clinic.settled();
  return record;
}

async function change(record: { updatedAt: string }, fields: object) {
  clinic.clock.advance({ minutes: 1 });
  Object.assign(record, fields, { updatedAt: clinic.clock.now().toISOString() });
  await clinic.twenty.emit('person.updated', record, Object.keys(fields));
  await clinic.settled();
}

describe('a person in Twenty', () => {
  it('is a contact here and in Chatwoot, and so are changes', async () => {
    const record = await person({ first: 'Ana', last: 'Souza', email: 'ana@example.com', phone: '11999990000' });
    expect(await contacts('ana@example.com')).toMatchObject([
      { first_name: 'Ana', last_name: 'Souza', phone: '+5511999990000' },
    ]);
    expect(inChatwoot('ana@example.com')).toMatchObject([{ name: 'Ana Souza', phone_number: '+5511999990000' }]);
    await change(record, { name: { firstName: 'Ana', lastName: 'Lima' } });
    expect(await contacts('ana@example.com')).toMatchObject([{ last_name: 'Lima' }]);
    expect(inChatwoot('ana@example.com')).toMatchObject([{ name: 'Ana Lima' }]);
  });

  it('our own writes come back and stop there', async () => {
    const before = clinic.writes();
    await person({ first: 'Leo', email: 'leo@example.com' });
    expect(inChatwoot('leo@example.com')).toHaveLength(1);
    expect(inTwenty('leo@example.com')).toHaveLength(1);
    // One contact was made in Chatwoot, whose word of it led to nothing more in either of them.
    expect(clinic.writes()).toEqual({ twenty: before.twenty, chatwoot: before.chatwoot! + 1 });
  });

  it('that is there already is found and not made again', async () => {
    clinic.chatwoot.addContact({ name: 'Rita', email: 'rita@example.com' });
    await person({ first: 'Rita', last: 'Reis', email: 'Rita@Example.com', phone: '11988887777' });
    expect(inChatwoot('rita@example.com')).toMatchObject([{ name: 'Rita Reis', phone_number: '+5511988887777' }]);
  });

  it('two people who share a telephone number stay two', async () => {
    await person({ first: 'Mãe', email: 'mae@example.com', phone: '11977776666' });
    await person({ first: 'Filho', email: 'filho@example.com', phone: '11977776666' });
    expect(await contacts('mae@example.com')).toHaveLength(1);
    expect(await contacts('filho@example.com')).toHaveLength(1);
  });

  it('an older state that comes later changes nothing, and one that comes twice is taken once', async () => {
    const record = await person({ first: 'Nina', email: 'nina@example.com' });
    const first = structuredClone(record);
    await change(record, { name: { firstName: 'Antonina', lastName: '' } });
    await clinic.twenty.emit('person.updated', { ...first, name: { firstName: 'Velha', lastName: '' } });
    await clinic.settled();
    clinic.clock.advance({ seconds: 1 });
    await clinic.twenty.emit('person.updated', record);
    await clinic.settled();
    expect(await contacts('nina@example.com')).toMatchObject([{ first_name: 'Antonina' }]);
    const { data } = await clinic.api.get('/api/v1/inbound-events?limit=2');
    expect(data.map((event: { errorMessage: string }) => event.errorMessage)).toEqual([
      null,
      expect.stringContaining('newer state'),
    ]);
  });

  it('in the form of the MedFlow guide is understood too', async () => {
    const record = {
      id: '30000000-0000-4000-8000-000000000001',
      name: { firstName: 'Guia', lastName: 'MedFlow' },
      email: { primaryEmail: 'guia@example.com' },
      phone: { primaryPhoneNumber: '+5511966665555' },
    };
    await clinic.twenty.emit('person.created', record);
    await clinic.settled();
    expect(inChatwoot('guia@example.com')).toMatchObject([{ name: 'Guia MedFlow', phone_number: '+5511966665555' }]);
  });

  it('stays out of Chatwoot where that is switched off', async () => {
    await clinic.change('twenty', { automations: { contactsToChatwoot: false } });
    await person({ first: 'Off', email: 'off@example.com' });
    expect(await contacts('off@example.com')).toHaveLength(1);
    expect(inChatwoot('off@example.com')).toEqual([]);
    await clinic.change('twenty', { automations: {} });
  });
});

describe('a contact in Chatwoot', () => {
  it('is a person in Twenty, once, and what comes back stops there', async () => {
    const contact = clinic.chatwoot.addContact({
      name: 'Caio Melo',
      email: 'caio@example.com',
      phone_number: '+5511955554444',
    });
    const before = clinic.writes();
    await clinic.chatwoot.emit('contact_created', clinic.chatwoot.contactBody(contact));
    await clinic.chatwoot.emit('contact_created', clinic.chatwoot.contactBody(contact));
    await clinic.settled();
    expect(inTwenty('caio@example.com')).toMatchObject([{ name: { firstName: 'Caio', lastName: 'Melo' } }]);
    expect(clinic.writes()).toEqual({ twenty: before.twenty! + 1, chatwoot: before.chatwoot });
  });

  it('without address and number waits until it has one', async () => {
    const contact = clinic.chatwoot.addContact({ name: 'shy-river-12' });
    await clinic.chatwoot.emit('contact_created', clinic.chatwoot.contactBody(contact));
    contact.email = 'river@example.com';
    await clinic.chatwoot.emit('contact_updated', clinic.chatwoot.contactBody(contact));
    await clinic.settled();
    expect(inTwenty('river@example.com')).toHaveLength(1);
  });

  it('in the form of the MedFlow guide is understood too', async () => {
    const contact = {
      id: 9001,
      name: 'Patient Name',
      email: 'patient@example.com',
      phone_number: '+5511944443333',
      custom_attributes: {},
    };
    await clinic.chatwoot.emit('contact_created', { contact });
    await clinic.settled();
    expect(inTwenty('patient@example.com')).toMatchObject([{ phones: { primaryPhoneNumber: '11944443333' } }]);
  });
});

describe('a conversation in Chatwoot', () => {
  it('is kept here with its state', async () => {
    const contact = clinic.chatwoot.addContact({ name: 'Duda', phone_number: '+5511933332222' });
    const conversation = clinic.chatwoot.addConversation(contact.id);
    const shown = {
      ...conversation,
      channel: 'Channel::Whatsapp',
      meta: { sender: { id: contact.id, phone_number: contact.phone_number } },
    };
    await clinic.chatwoot.emit('conversation_created', { ...shown, updated_at: 1_770_000_000 });
    await clinic.chatwoot.emit('conversation_status_changed', {
      ...shown,
      status: 'resolved',
      updated_at: 1_770_000_100.5,
    });
    await clinic.chatwoot.emit('conversation_status_changed', { ...shown, status: 'open', updated_at: 1_770_000_050 });
    await clinic.settled();
    const { data } = await clinic.api.get(`/api/v1/conversations?externalId=chatwoot:${conversation.id}`);
    expect(data).toMatchObject([{ status: 'closed', channel: 'whatsapp', party: '5511933332222' }]);
  });
});

describe('a provider that is away', () => {
  it('gets everything later, in order, and the tasks say why they wait', async () => {
    clinic.chatwoot.failNext(503, { times: 200 });
    const record = await (async () => {
      const made = clinic.twenty.addPerson({
        name: { firstName: 'Zeca', lastName: '' },
        emails: { primaryEmail: 'zeca@example.com' },
        phones: {},
      });
      await clinic.twenty.emit('person.created', made);
      return made;
    })();
    await eventually(async () => {
      const [task] = await clinic.tasks('&status=pending');
      expect(task?.errorMessage).toContain('Chatwoot did not search contacts');
    });
    record.name = { firstName: 'José', lastName: '' };
    clinic.clock.advance({ seconds: 1 });
    record.updatedAt = clinic.clock.now().toISOString();
    await clinic.twenty.emit('person.updated', record);
    await eventually(async () => expect(await clinic.tasks('&status=pending')).toHaveLength(2));
    clinic.chatwoot.heal();
    clinic.clock.advance({ minutes: 5 });
    await clinic.settled();
    expect(inChatwoot('zeca@example.com')).toMatchObject([{ name: 'José' }]);
  });

  it('that refuses is not asked again, and whoever mends it tries again', async () => {
    clinic.chatwoot.failNext({ status: 401, body: { error: 'Invalid Access Token' } }, { times: 1 });
    await person({ first: 'Ivo', email: 'ivo@example.com' });
    const [task] = await clinic.tasks('&status=failed');
    expect(task!.errorMessage).toContain('does not take the credentials');
    await clinic.api.post(`/api/v1/automation-tasks/${task!.id}/retry`, {}, 200);
    await clinic.settled();
    expect(inChatwoot('ivo@example.com')).toHaveLength(1);
    const { data } = await clinic.api.get('/api/v1/audit-log');
    expect(data.map((entry: { action: string }) => entry.action)).toContain('automation_task.retried');
  });
});
