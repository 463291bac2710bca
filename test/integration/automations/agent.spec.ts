import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import type { ChatwootConversationRow } from '../../support/providers/chatwoot.js';
import { type Receiver, type Script, startReceiver } from '../../support/receiver.js';
import { AI_KEY, Clinic } from './clinic.js';

const SETTINGS = { enabled: true, kind: 'openai', apiKey: AI_KEY, model: 'small' };
const say = (content: string) => ({ body: JSON.stringify({ choices: [{ message: { content } }] }) });
const echo: Script = ({ body }) => say(`Eco: ${JSON.parse(body).messages.at(-1).content}`);

let clinic: Clinic;
let ai: Receiver;
let patients = 0;

beforeAll(async () => {
  ai = await startReceiver();
  clinic = await Clinic.open();
  clinic.chatwoot.echoes = true;
});
afterAll(async () => {
  await clinic.close();
  await ai.close();
});
beforeEach(async () => {
  ai.requests.length = 0;
  ai.respondWith(echo);
  clinic.chatwoot.heal();
  await agent({});
});

const agent = (settings: object) =>
  clinic.change('chatwoot', { ai: { ...SETTINGS, url: `${ai.url}/v1`, ...settings } });

/** A patient who has not written yet. */
function patient(): ChatwootConversationRow {
  patients++;
  const contact = clinic.chatwoot.addContact({
    name: `Paciente ${patients}`,
    phone_number: `+55119999900${patients + 10}`,
  });
  return clinic.chatwoot.addConversation(contact.id);
}

const sent = (conversation: ChatwootConversationRow) =>
  conversation.messages.filter((one) => one.message_type === 1 && !one.private).map(({ content }) => content);
const notes = (conversation: ChatwootConversationRow) => conversation.messages.filter((one) => one.private);

async function ours(conversation: ChatwootConversationRow) {
  const { data } = await clinic.api.get(`/api/v1/conversations?externalId=chatwoot:${conversation.id}`);
  return data[0] as { id: string; aiEnabled: boolean };
}

/** Says something and waits until everything that led to is done. */
async function write(conversation: ChatwootConversationRow, text: string) {
  await clinic.chatwoot.receive(conversation, text);
  await clinic.settled();
}

describe('the AI agent', () => {
  it('answers with the conversation in view, and never its own message', async () => {
    const conversation = patient();
    await write(conversation, 'Bom dia');
    await write(conversation, 'Vocês abrem sábado?');
    expect(sent(conversation)).toEqual(['Eco: Bom dia', 'Eco: Vocês abrem sábado?']);
    expect(ai.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/chat/completions']);
    expect(JSON.parse(ai.requests[1]!.body).messages).toEqual([
      { role: 'user', content: 'Bom dia' },
      { role: 'assistant', content: 'Eco: Bom dia' },
      { role: 'user', content: 'Vocês abrem sábado?' },
    ]);
  });

  it('is shown no more of the conversation than was set', async () => {
    await agent({ historyMessages: 1 });
    const conversation = patient();
    for (const text of ['um', 'dois', 'três']) await write(conversation, text);
    expect(JSON.parse(ai.requests[2]!.body).messages).toEqual([
      { role: 'assistant', content: 'Eco: dois' },
      { role: 'user', content: 'três' },
    ]);
  });

  it('answers messages that come while it thinks in turn', async () => {
    let answer: () => void = () => undefined;
    const thinking = new Promise<void>((resolve) => {
      answer = resolve;
    });
    ai.respondWith(async (request) => {
      if (request.number === 1) await thinking;
      return say(`Resposta ${request.number}`);
    });
    const conversation = patient();
    await clinic.chatwoot.receive(conversation, 'primeira');
    await eventually(() => expect(ai.requests).toHaveLength(1));
    await clinic.chatwoot.receive(conversation, 'segunda');
    await clinic.chatwoot.receive(conversation, 'terceira');
    await eventually(async () => expect(await clinic.tasks('&status=pending')).toHaveLength(3));
    answer();
    await clinic.settled();
    // The second is answered together with the third.
    expect(sent(conversation)).toEqual(['Resposta 1', 'Resposta 2']);
    expect(JSON.parse(ai.requests[1]!.body).messages.at(-1)).toEqual({ role: 'user', content: 'terceira' });
  });

  it.each([
    ['private notes', { private: true }],
    ['outgoing messages', { message_type: 'outgoing' }],
    ['conversations that somebody has', { conversation: { meta: { assignee: { id: 7 } } } }],
  ])('stays out of %s', async (_, fields) => {
    const conversation = patient();
    const message = {
      id: 5000 + patients,
      content: 'Oi',
      message_type: 0,
      private: false,
      created_at: 0,
      content_attributes: {},
    };
    const body = clinic.chatwoot.messageBody(conversation, message) as { conversation: object };
    const { conversation: more, ...rest } = { conversation: {}, ...fields };
    await clinic.chatwoot.emit('message_created', {
      ...body,
      ...rest,
      conversation: { ...body.conversation, ...more },
    });
    await clinic.settled();
    expect(ai.requests).toHaveLength(0);
  });

  it('is switched off for one conversation, and on again', async () => {
    const conversation = patient();
    await write(conversation, 'um');
    const { id } = await ours(conversation);
    await clinic.api.patch(`/api/v1/conversations/${id}`, { aiEnabled: false });
    await write(conversation, 'dois');
    expect(sent(conversation)).toEqual(['Eco: um']);
    await clinic.api.patch(`/api/v1/conversations/${id}`, { aiEnabled: true });
    await write(conversation, 'três');
    expect(sent(conversation)).toEqual(['Eco: um', 'Eco: três']);
  });

  it('may be a plain webhook', async () => {
    ai.respondWith([{ body: JSON.stringify({ answer: 'Pelo webhook' }) }]);
    await agent({ kind: 'webhook', url: `${ai.url}/flow` });
    const conversation = patient();
    await write(conversation, 'Oi');
    expect(sent(conversation)).toEqual(['Pelo webhook']);
    expect(ai.requests[0]!.path).toBe('/flow');
    expect(JSON.parse(ai.requests[0]!.body)).toMatchObject({
      conversationId: (await ours(conversation)).id,
      channel: 'whatsapp',
      contact: { phone: `+55119999900${patients + 10}` },
      message: { role: 'user', text: 'Oi' },
      history: [],
    });
  });
});

describe('a person is told, and the agent falls silent', () => {
  async function handedOver(conversation: ChatwootConversationRow, words: string | RegExp) {
    expect((await ours(conversation)).aiEnabled).toBe(false);
    expect(notes(conversation)).toHaveLength(1);
    expect(notes(conversation)[0]!.content).toMatch(words);
    expect(conversation.status).toBe('open');
    ai.respondWith([say('Ainda aqui')]);
    const before = sent(conversation).length;
    await write(conversation, 'Alguém?');
    expect(sent(conversation)).toHaveLength(before);
  }

  it('when the patient asks for one', async () => {
    await agent({ handoverTeamId: 3 });
    const conversation = patient();
    await write(conversation, 'Quero falar com uma pessoa!');
    expect(ai.requests).toHaveLength(0);
    await handedOver(conversation, /asks for a person/);
    expect(conversation.team_id).toBe(3);
  });

  it('when the agent asks for one', async () => {
    ai.respondWith([say('[HANDOVER]')]);
    const conversation = patient();
    await write(conversation, 'Estou com dor');
    expect(sent(conversation)).toEqual([]);
    await handedOver(conversation, /wants a person/);
  });

  it('when it has answered too often', async () => {
    await agent({ maxAnswersPerHour: 2 });
    const conversation = patient();
    for (const text of ['a', 'b', 'c']) await write(conversation, `mensagem ${text}`);
    expect(sent(conversation)).toHaveLength(2);
    await handedOver(conversation, /2 times within an hour/);
  });

  it.each([
    ['fails', [500], /it failed itself/],
    [
      'refuses the key',
      [{ status: 401, body: '{"error":{"message":"Incorrect API key"}}' }],
      /does not take the credentials/,
    ],
    ['answers with something else', [{ body: '{"ok":true}' }], /choices\[0\]\.message\.content/],
    ['does not answer', [{ hang: true }] as const, /did not answer within 1 s/],
  ])('when the agent %s', async (_, script, words) => {
    await agent({ timeoutS: 1 });
    ai.respondWith(script as Script & unknown[]);
    const conversation = patient();
    await clinic.chatwoot.receive(conversation, 'Oi?');
    await eventually(async () => {
      const [waiting] = await clinic.tasks('&kind=ai.answer&status=pending');
      // One that waits for its next try is due sooner than the lease of one under way ends.
      const waitMs = new Date(waiting?.dueAt ?? 0).getTime() - clinic.clock.now().getTime();
      if (waitMs > 0 && waitMs < 40_000) clinic.clock.advance({ seconds: waitMs / 1000 });
      expect(waiting).toBeUndefined();
      expect(notes(conversation)).toHaveLength(1);
    });
    const [task] = await clinic.tasks('&kind=ai.answer&status=failed');
    expect(task!.errorMessage).toMatch(words);
    expect(task!.errorMessage).not.toContain(AI_KEY);
    await handedOver(conversation, words);
  });

  it('as soon as Chatwoot can be reached again', async () => {
    const conversation = patient();
    clinic.chatwoot.failNext(503, { times: 50, on: /messages$/ });
    await clinic.chatwoot.receive(conversation, 'um atendente');
    await eventually(async () => expect((await ours(conversation)).aiEnabled).toBe(false));
    await eventually(async () => {
      const [task] = await clinic.tasks('&kind=ai.handover&status=pending');
      expect(task?.errorMessage).toContain('Chatwoot did not send the message');
    });
    clinic.chatwoot.heal();
    clinic.clock.advance({ minutes: 2 });
    await eventually(() => expect(notes(conversation)).toHaveLength(1));
  });
});

describe('when the process dies', () => {
  it('after the answer was sent and before it was recorded, it is not sent again', async () => {
    const conversation = patient();
    await write(conversation, 'um');
    const [task] = await clinic.tasks('&kind=ai.answer');
    await clinic.app.database.query(
      `update automation_tasks set status = 'pending', due_at = created_at, finished_at = null where id = $1`,
      [task!.id],
    );
    await clinic.settled();
    expect(sent(conversation)).toEqual(['Eco: um']);
    expect((await clinic.api.get(`/api/v1/automation-tasks/${task!.id}`)).errorMessage).toContain('answered meanwhile');
  });
});
