import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isEventTypeName } from '../../core/event-pattern.js';
import { SchemaValidator } from '../schema-validator.js';
import type { BuiltInEventType, JsonSchema } from './catalog.js';
import { BUILT_IN_EVENT_TYPES, findBuiltInEventType } from './catalog.js';

type Envelope = { event: string; timestamp: string; data: Record<string, unknown>; metadata?: Record<string, unknown> };

function documentSamples<T>(file: string): Record<string, T> {
  return JSON.parse(readFileSync(new URL(`../../../test/conformance/documents/${file}`, import.meta.url), 'utf8'));
}

const sistemaCrm = documentSamples<Envelope>('sistema-crm.json');
const flowkick = documentSamples<Envelope>('flowkick.json');
const crm = documentSamples<Record<string, unknown>>('crm.json');

const validator = new SchemaValidator();
const problemsOf = (type: BuiltInEventType, data: unknown) => validator.validate(type.name, type.schema, data);
const get = (name: string) => {
  const type = findBuiltInEventType(name);
  if (!type) throw new Error(`${name} is not in the catalog`);
  return type;
};
const namesOf = (vocabulary: string) =>
  BUILT_IN_EVENT_TYPES.filter((type) => type.vocabulary === vocabulary).map(({ name }) => name);

describe('the built-in event types', () => {
  it('have unique, well-formed names', () => {
    const names = BUILT_IN_EVENT_TYPES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !isEventTypeName(name))).toEqual([]);
  });

  it.each(BUILT_IN_EVENT_TYPES)('$name: the schema is one a tenant could register, and the example fits it', (type) => {
    expect(validator.checkSchema(type.schema)).toEqual([]);
    expect(problemsOf(type, type.example)).toEqual([]);
    expect(type.description).not.toBe('');
  });

  it.each(BUILT_IN_EVENT_TYPES)('$name: each required field is really required', (type) => {
    const required = type.schema.required as string[];
    expect(required.length).toBeGreaterThan(0);
    for (const field of required) {
      const { [field]: _, ...rest } = type.example;
      expect(problemsOf(type, rest)).toEqual([{ pointer: `/${field}`, detail: 'is required' }]);
    }
  });

  it.each(BUILT_IN_EVENT_TYPES)('$name: a host may send more than the catalog knows', (type) => {
    expect(problemsOf(type, { ...type.example, host_specific: { anything: [1] } })).toEqual([]);
  });

  it('are found by their exact name only', () => {
    expect(findBuiltInEventType('contact.created')?.vocabulary).toBe('crm');
    expect(findBuiltInEventType('contact')).toBeNull();
    expect(findBuiltInEventType('__proto__')).toBeNull();
  });
});

describe('the Portuguese vocabulary', () => {
  it('is exactly the events of the Sistema CRM guide', () => {
    expect(namesOf('pt-BR').sort()).toEqual(Object.keys(sistemaCrm).sort());
    expect(Object.keys(sistemaCrm)).toHaveLength(15);
  });

  it.each(Object.values(sistemaCrm))('$event: the example is the sample of the guide', ({ event, data }) => {
    expect(get(event).example).toEqual(data);
  });

  it.each(Object.values(sistemaCrm))('$event: requires the fields of the sample', ({ event, data }) => {
    expect([...(get(event).schema.required as string[])].sort()).toEqual(Object.keys(data).sort());
  });

  it('leaves the words for status and priority to the host', () => {
    const data = { ...get('tarefa.criada').example, status: 'AGUARDANDO_CLIENTE', prioridade: 'P0' };
    expect(problemsOf(get('tarefa.criada'), data)).toEqual([]);
  });

  it('takes a customer whose address has accents, or none at all', () => {
    const { example } = get('cliente.criado');
    expect(problemsOf(get('cliente.criado'), { ...example, email: 'joão@exemplo.com.br', telefone: null })).toEqual([]);
    expect(problemsOf(get('cliente.criado'), { ...example, email: 'joao' })).toMatchObject([{ pointer: '/email' }]);
  });

  it('asks for both sides of a change', () => {
    const { example } = get('cliente.atualizado');
    const data = { ...example, alteracoes: { telefone: { novo: '(11) 99999-9999' } } };
    expect(problemsOf(get('cliente.atualizado'), data)).toEqual([
      { pointer: '/alteracoes/telefone/anterior', detail: 'is required' },
    ]);
  });
});

describe('the FlowKick vocabulary', () => {
  /** The table "Available Events" of the guide, and user.deleted, which its text names. */
  const payloads: Record<string, string[]> = {
    'user.created': ['user'],
    'user.updated': ['changes', 'user'],
    'user.deleted': ['user'],
    'booking.created': ['booking', 'user'],
    'booking.updated': ['booking', 'changes'],
    'booking.cancelled': ['booking'],
    'booking.completed': ['booking'],
    'qr.scanned': ['qrCode', 'scannedBy', 'user'],
    'qr.validated': ['qrCode', 'user'],
    'tag.added': ['tag', 'user'],
    'tag.removed': ['tag', 'user'],
    'customfield.updated': ['field', 'user'],
  };

  it('is exactly the events of the guide, with the top-level keys of its table', () => {
    const ours = namesOf('flowkick').map((name) => [name, Object.keys(get(name).example).sort()]);
    expect(Object.fromEntries(ours)).toEqual(payloads);
    for (const [name, keys] of Object.entries(payloads)) {
      expect([...(get(name).schema.required as string[])].sort()).toEqual(keys);
    }
  });

  it('has the guide’s sample as the example of user.created, metadata included', () => {
    const { example, exampleMetadata } = get('user.created');
    expect({ data: example, metadata: exampleMetadata }).toEqual({
      data: flowkick['user.created']?.data,
      metadata: flowkick['user.created']?.metadata,
    });
  });

  it('promises every key of the sample contact but interactions, which its readers treat as optional', () => {
    const sample = flowkick['user.created']?.data.user as Record<string, unknown>;
    const { user } = get('user.created').schema.properties as { user: JsonSchema };
    expect([...(user.required as string[]), 'interactions'].sort()).toEqual(Object.keys(sample).sort());
  });

  it('names source and action in the metadata of every event', () => {
    for (const name of namesOf('flowkick')) {
      expect(get(name).exampleMetadata).toEqual({ source: expect.any(String), action: name.split('.')[1] });
    }
  });

  it('gives the readers of bookings what the guide’s use case reads', () => {
    const { booking } = get('booking.created').example as { booking: Record<string, Record<string, unknown>> };
    const row = [
      booking.user?.firstName,
      booking.user?.email,
      booking.startTime,
      booking.endTime,
      booking.status,
      booking.tool?.name,
    ];
    expect(row.every((cell) => typeof cell === 'string')).toBe(true);
    const { tool: _, ...withoutTool } = booking;
    expect(problemsOf(get('booking.cancelled'), { booking: withoutTool })).toEqual([
      { pointer: '/booking/tool', detail: 'is required' },
    ]);
  });

  it('lets a QR code belong to nobody', () => {
    const data = { ...get('qr.scanned').example, user: null, scannedBy: null };
    expect(problemsOf(get('qr.scanned'), data)).toEqual([]);
  });
});

describe('the CRM vocabulary', () => {
  it('has the guide’s flat payload as the example of contact.created', () => {
    expect(get('contact.created').example).toEqual(crm['contact.created']);
  });

  it('has the events the guide lists; user.created keeps its FlowKick meaning and a new login is member.created', () => {
    expect(namesOf('crm')).toEqual(expect.arrayContaining(['contact.created', 'contact.updated', 'contact.deleted']));
    expect(get('user.created').vocabulary).toBe('flowkick');
    expect(get('member.created').vocabulary).toBe('crm');
  });

  it('shows a won deal the way the guide’s workflow asks for it: stage === "won"', () => {
    expect(get('deal.updated').example.stage).toBe('won');
    expect(get('deal.won').example.stage).toBe('won');
  });

  it('says the same of mail and messages as the Portuguese events do', () => {
    const fieldCount = (name: string) => (get(name).schema.required as string[]).length;
    expect(fieldCount('email.received')).toBe(fieldCount('email.recebido'));
    expect(fieldCount('email.sent')).toBe(fieldCount('email.enviado'));
    expect(fieldCount('message.received')).toBe(fieldCount('whatsapp.mensagem.recebida'));
    expect(fieldCount('message.sent')).toBe(fieldCount('whatsapp.mensagem.enviada'));
  });
});

it('the platform tells tenants about itself', () => {
  expect(namesOf('posthaste').sort()).toEqual([
    'api_key.expiring',
    'automation.failed',
    'contact.erased',
    'delivery.exhausted',
    'inbound.failed',
    'outbox.refused',
    'subscription.disabled',
    'subscription.held',
    'subscription.resumed',
    'webhook.test',
  ]);
});
