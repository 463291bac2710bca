import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { anotherTenant } from '../inbound/inbound.js';
import { Clinic } from './clinic.js';

let clinic: Clinic;
let receiver: Receiver;
beforeAll(async () => {
  clinic = await Clinic.open({
    stages: ['NEW', 'MEETING', 'PROPOSAL', 'LOST'],
    twenty: { stages: { MEETING_SCHEDULED: 'MEETING' } },
  });
  receiver = await startReceiver();
  await clinic.api.post(
    '/api/v1/subscriptions',
    { url: receiver.url, eventTypes: ['stage.proposal', 'automation.failed'] },
    201,
  );
});
afterAll(async () => {
  await clinic.close();
  await receiver.close();
});
beforeEach(() => {
  receiver.requests.length = 0;
});

const told = () => receiver.requests.map(({ body }) => JSON.parse(body));

/** A person with an opportunity, which Twenty has told. */
async function opportunity(name: string, fields: object = {}) {
  const { twenty } = clinic;
  const [firstName, lastName] = name.split(' ');
  const emails = { primaryEmail: `${firstName!.toLowerCase()}@example.com` };
  const phones = { primaryPhoneNumber: null, primaryPhoneCallingCode: null };
  const person = twenty.addPerson({ name: { firstName, lastName }, emails, phones });
  await twenty.emit('person.created', person);
  const deal = twenty.addOpportunity({ name: 'Implante', stage: 'NEW', pointOfContactId: person.id, ...fields });
  await twenty.emit('opportunity.created', deal);
  await clinic.settled();
  return deal;
}

async function move(deal: { updatedAt: string; stage?: string }, stage: string) {
  clinic.clock.advance({ minutes: 1 });
  Object.assign(deal, { stage, updatedAt: clinic.clock.now().toISOString() });
  await clinic.twenty.emit('opportunity.updated', deal, ['stage']);
  await clinic.settled();
}

describe('an opportunity that enters a stage', () => {
  it('leads to the message, the tag and the event of that stage, once', async () => {
    const { api, chatwoot } = clinic;
    await api.post(
      '/api/v1/message-templates',
      {
        name: 'stage.proposal',
        language: 'pt-BR',
        text: 'Olá {{contact.firstName}}, a proposta de {{deal.title}} está pronta.',
      },
      201,
    );
    const automation = await api.post(
      '/api/v1/automations/stages',
      { stage: 'PROPOSAL', templateName: 'stage.proposal', tag: 'proposta', eventType: 'stage.proposal' },
      201,
    );
    const deal = await opportunity('Caio Reis', { amount: { amountMicros: 1_500_000_000, currencyCode: 'BRL' } });
    await move(deal, 'PROPOSAL');
    await clinic.twenty.emit('opportunity.updated', deal, ['stage']);
    await clinic.settled();
    const contact = chatwoot.contacts.find(({ email }) => email === 'caio@example.com')!;
    const texts = chatwoot.conversations.filter((one) => one.contact_id === contact.id).flatMap((one) => one.messages);
    expect(texts.map(({ content }) => content)).toEqual(['Olá Caio, a proposta de Implante está pronta.']);
    const { data: deals } = await api.get('/api/v1/deals');
    expect(deals[0]).toMatchObject({ stage: 'proposal', title: 'Implante', externalId: `twenty:${deal.id}` });
    const [tagged] = await clinic.app.database.query<{ name: string }>(
      'select t.name from contact_tags ct join tags t on t.id = ct.tag_id where ct.contact_id = $1',
      [deals[0].contactId],
    );
    expect(tagged).toEqual({ name: 'proposta' });
    await eventually(() => expect(told()).toHaveLength(1));
    expect(told()[0]).toMatchObject({
      event: 'stage.proposal',
      data: { deal_id: deals[0].id, stage: 'PROPOSAL', stage_before: 'new', amount: 1500, currency: 'BRL' },
    });

    await api.patch(`/api/v1/automations/stages/${automation.id}`, { enabled: false });
    await move(deal, 'NEW');
    await move(deal, 'PROPOSAL');
    expect(
      chatwoot.conversations.filter((one) => one.contact_id === contact.id).flatMap((one) => one.messages),
    ).toHaveLength(1);
  });

  it('an older state that comes later changes nothing', async () => {
    const deal = await opportunity('Davi Melo');
    await move(deal, 'PROPOSAL');
    const older = { ...deal, stage: 'NEW', updatedAt: '2026-01-01T00:00:00.000Z' };
    await clinic.twenty.emit('opportunity.updated', older, ['stage']);
    await clinic.settled();
    const { data } = await clinic.api.get(`/api/v1/deals?externalId=twenty:${deal.id}`);
    // The pipeline here has that stage, in its own spelling.
    expect(data[0].stage).toBe('proposal');
  });

  it('asks Twenty who it is about where the person is not known', async () => {
    const { twenty, api } = clinic;
    await api.post('/api/v1/automations/stages', { stage: 'LOST', tag: 'perdido' }, 201);
    const person = twenty.addPerson({
      name: { firstName: 'Eva', lastName: '' },
      emails: { primaryEmail: 'eva@example.com' },
      phones: {},
    });
    const deal = twenty.addOpportunity({ name: 'Clareamento', stage: 'LOST', pointOfContactId: person.id });
    await twenty.emit('opportunity.updated', deal, ['stage']);
    await clinic.settled();
    const [contact] = await clinic.app.database.query<{ id: string }>(
      `select id from contacts where email = 'eva@example.com'`,
    );
    const { data } = await api.get(`/api/v1/deals?externalId=twenty:${deal.id}`);
    expect(data[0].contactId).toBe(contact!.id);
  });
});

describe('stages of the workspace', () => {
  it('are those it has: a setting translates, and what it lacks is said in words, to the tenant too', async () => {
    const { calcom, twenty, api } = clinic;
    const booking = calcom.addBooking({
      start: '2026-03-05T13:00:00.000Z',
      attendees: [{ name: 'Gil', email: 'gil@example.com', timeZone: 'UTC' }],
    });
    await calcom.emit('BOOKING_CREATED', booking);
    await clinic.settled();
    expect(twenty.opportunities.at(-1)).toMatchObject({ stage: 'MEETING' });
    clinic.clock.advance({ minutes: 1 });
    await calcom.emit('BOOKING_CANCELLED', calcom.cancel(booking));
    await clinic.settled();
    const [failed] = await clinic.tasks('&status=failed');
    const words = 'This Twenty workspace has no stage "CANCELLED", only NEW, MEETING, PROPOSAL, LOST.';
    expect(failed!.errorMessage).toContain(words);
    await eventually(() => expect(told()).toHaveLength(1));
    expect(told()[0]).toMatchObject({
      event: 'automation.failed',
      data: { taskId: failed!.id, kind: 'twenty.opportunity', attempts: 1 },
    });

    await clinic.change('twenty', { stages: { MEETING_SCHEDULED: 'MEETING', CANCELLED: 'LOST' } });
    await api.post(`/api/v1/automation-tasks/${failed!.id}/retry`, {}, 200);
    await clinic.settled();
    expect(twenty.opportunities.at(-1)).toMatchObject({ stage: 'LOST' });
    await api.post(`/api/v1/automation-tasks/${failed!.id}/retry`, {}, 409);
  });
});

describe('the routes', () => {
  it('refuse what cannot be, with a pointer', async () => {
    const { api } = clinic;
    await api.post('/api/v1/automations/stages', { stage: 'X', templateName: 'no.such' }, 422);
    await api.post('/api/v1/automations/stages', { stage: 'X', eventType: 'not a type' }, 422);
    await api.post('/api/v1/automations/stages', { stage: 'PROPOSAL' }, 409);
    const problem = await api.post(
      '/api/v1/message-templates',
      { name: 'a', language: 'en', text: 'Hi {{contact.nome}}' },
      422,
    );
    expect(problem.errors).toMatchObject([
      { pointer: '/text', detail: expect.stringContaining('{{contact.nome}} cannot be filled in') },
    ]);
    await api.post('/api/v1/message-templates', { name: 'a', language: 'fr', text: 'Salut' }, 422);
  });

  it("show a message before it is sent, in the reader's language and zone", async () => {
    const { api } = clinic;
    const startTime = '2026-01-23T13:00:00Z';
    const preview = (body: object) => api.post('/api/v1/message-templates/preview', { startTime, ...body }, 200);
    expect(await preview({ name: 'booking.confirmed' })).toEqual({
      language: 'pt-BR',
      text: 'Olá Ana! Seu agendamento está confirmado: Consulta, sexta-feira, 23 de janeiro de 2026 às 10:00.',
    });
    expect((await preview({ name: 'booking.confirmed', language: 'en-GB', timeZone: 'Europe/London' })).text).toContain(
      'Friday, January 23, 2026 at 1:00',
    );
    expect((await preview({ name: 'booking.cancelled', language: 'es' })).text).toContain(
      'viernes, 23 de enero de 2026',
    );
    expect(await preview({ text: '{{deal.title}}!' })).toEqual({ language: 'pt-BR', text: 'Implante!' });
    await api.post('/api/v1/message-templates/preview', { name: 'no.such' }, 404);
    await api.post('/api/v1/message-templates/preview', {}, 422);
    expect((await api.get('/api/v1/message-templates/built-in')).data).toHaveLength(9);
  });

  it("send the tenant's own words where it has them, in every language it has", async () => {
    const { api, calcom, chatwoot } = clinic;
    const template = await api.post(
      '/api/v1/message-templates',
      { name: 'booking.confirmed', language: 'es', text: 'Hasta {{booking.date}}, {{contact.name}}' },
      201,
    );
    const attendees = [{ name: 'Iker Sanz', email: 'iker@example.com', timeZone: 'Europe/Madrid' }];
    const booking = calcom.addBooking({ start: '2026-03-05T13:00:00.000Z', attendees });
    const body = calcom.webhookBody('BOOKING_CREATED', booking) as { payload: { attendees: object[] } };
    body.payload.attendees = [{ ...attendees[0], language: { locale: 'es' } }];
    await calcom.send(calcom.webhooks[0]!, body);
    await clinic.settled();
    expect(chatwoot.conversations.at(-1)!.messages.at(-1)!.content).toBe('Hasta jueves, 5 de marzo de 2026, Iker Sanz');
    await api.patch(`/api/v1/message-templates/${template.id}`, { text: 'Vale' });
    await api.delete(`/api/v1/message-templates/${template.id}`);
    await api.get(`/api/v1/message-templates/${template.id}`, 404);
  });

  it('show nothing of another tenant', async () => {
    const { api } = clinic;
    const other = await anotherTenant(clinic.app, 'other-clinic');
    const [task] = await clinic.tasks();
    const [stage] = (await api.get('/api/v1/automations/stages')).data;
    const [template] = (await api.get('/api/v1/message-templates')).data;
    await other.api.get(`/api/v1/automation-tasks/${task!.id}`, 404);
    await other.api.post(`/api/v1/automation-tasks/${task!.id}/retry`, {}, 404);
    await other.api.get(`/api/v1/automations/stages/${stage.id}`, 404);
    await other.api.patch(`/api/v1/message-templates/${template.id}`, { text: 'x' }, 404);
    await other.api.post(`/api/v1/connections/${clinic.connections.twenty}/reconcile`, {}, 404);
    for (const list of ['automation-tasks', 'automations/stages', 'message-templates'])
      expect((await other.api.get(`/api/v1/${list}`)).data).toEqual([]);
  });
});
