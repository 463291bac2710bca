import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SchemaValidator } from '../../../src/event-types/schema-validator.js';
import { findBuiltInEventType } from '../../../src/event-types/vocabularies/catalog.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { countOf } from '../inbound/inbound.js';
import { makeContact, Partner, type Told } from './crm.js';

const TYPES = [
  'booking.created',
  'booking.updated',
  'booking.cancelled',
  'booking.completed',
  'qr.scanned',
  'qr.validated',
  'deal.created',
  'deal.updated',
  'deal.won',
  'invoice.created',
  'invoice.updated',
  'invoice.paid',
  'message.received',
  'message.sent',
  'whatsapp.mensagem.recebida',
  'whatsapp.mensagem.enviada',
  'whatsapp.conversa.criada',
];

let app: TestApp;
let api: Api;
let partner: Partner;

beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
});
afterAll(() => app.close());

/** Everything that is told of what belongs to contacts, by one write each. */
async function doEverything(contactId: string): Promise<void> {
  const tool = await api.post('/api/v1/tools', { name: 'Table for two' }, 201);
  const times = { startTime: '2030-01-01T10:00:00Z', endTime: '2030-01-01T10:30:00Z' };
  for (const status of ['cancelled', 'completed']) {
    const booking = await api.post('/api/v1/bookings', { contactId, toolId: tool.id, ...times }, 201);
    await api.patch(`/api/v1/bookings/${booking.id}`, { status });
  }
  const { code } = await api.post('/api/v1/qr-codes', { contactId }, 201);
  await api.post(`/api/v1/qr-codes/${code}/scan`, { scannedBy: 'till' }, 200);
  await api.post(`/api/v1/qr-codes/${code}/validate`, {}, 200);
  const deal = await api.post('/api/v1/deals', { contactId, title: 'Plan', amount: '10.50', currency: 'BRL' }, 201);
  await api.patch(`/api/v1/deals/${deal.id}`, { stage: 'won' });
  const invoice = await api.post(
    '/api/v1/invoices',
    { number: `in_${contactId}`, contactId, amount: 5, currency: 'BRL' },
    201,
  );
  await api.patch(`/api/v1/invoices/${invoice.id}`, { status: 'paid' });
  const conversation = await api.post('/api/v1/conversations', { channel: 'whatsapp', contactId }, 201);
  for (const direction of ['received', 'sent'])
    await api.post(`/api/v1/conversations/${conversation.id}/messages`, { direction, text: 'Oi' }, 201);
}

describe('what is told of bookings, codes, deals, invoices and messages', () => {
  beforeAll(async () => {
    partner = await Partner.of(api, TYPES);
    const contact = await makeContact(app, { firstName: 'Ana', lastName: 'Souza', phone: '+5511999990000' });
    await doEverything(contact.id);
    await eventually(() => expect(new Set(partner.told.map(({ event }) => event))).toEqual(new Set(TYPES)));
  });
  afterAll(() => partner.leave());

  it.each(TYPES)('%s fits its schema and has the keys of its sample', (name) => {
    const type = findBuiltInEventType(name)!;
    const validator = app.app.get(SchemaValidator);
    const told = partner.told.filter(({ event }) => event === name) as [Told, ...Told[]];
    for (const { data } of told) {
      expect(validator.validate(null, type.schema, data)).toEqual([]);
      expect(shapeOf(data)).toEqual(shapeOf(type.example));
    }
    if (type.vocabulary === 'flowkick')
      expect(told[0].metadata).toMatchObject({ source: 'api', action: name.slice(name.indexOf('.') + 1) });
  });
});

it('what nobody subscribes to is not stored', async () => {
  const before = await countOf(app, 'events');
  await doEverything((await makeContact(app, { phone: '+5511999991111' })).id);
  expect(await countOf(app, 'events')).toBe(before);
});

/** Keys at every level, without what has keys of its own each time. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'object' || value === null) return 'value';
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inside]) => [name, name === 'changes' || name === 'customFields' ? 'any' : shapeOf(inside)]),
  );
}
