import { Injectable } from '@nestjs/common';
import type { ChatwootAi } from '../connections/connection-settings.dto.js';
import { ProviderAgent } from '../connections/provider-agent.js';
import { judgeAnswer } from '../connections/provider-answer.js';
import { ProviderError } from '../connections/provider-error.js';
import { Clock } from '../core/clock.js';
import { REDACTED } from '../core/provider-signatures/redact.js';

/** What was said in a conversation. */
export interface Said {
  by: 'contact' | 'us';
  text: string;
  at: Date;
}

/** What an agent is asked: `history` is oldest first and ends with the message to answer. */
export interface AiQuestion {
  conversationId: string;
  contact: {
    id: string;
    name: string | null;
    email: string | null;
    phone: string | null;
    locale: string | null;
  } | null;
  channel: string;
  history: Said[];
}

export type AiReply =
  | { kind: 'answer'; text: string }
  /** The agent wants a person for this. */
  | { kind: 'handover' }
  /** It has nothing to say. */
  | { kind: 'silence' };

const DEFAULT_TIMEOUT_S = 30;
/** Chatwoot takes 150,000 characters; nobody reads them. */
const MAX_ANSWER = 10_000;
/** What a chat model writes when it wants a person; said to it in the system prompt. */
export const HANDOVER_MARK = '[HANDOVER]';

/** Asks the tenant's AI agent: an endpoint with OpenAI's chat completions, or a plain webhook. */
@Injectable()
export class AiClient {
  constructor(
    private readonly agent: ProviderAgent,
    private readonly clock: Clock,
  ) {}

  /** @throws ProviderError in words when there is no usable answer */
  async ask(ai: ChatwootAi, question: AiQuestion): Promise<AiReply> {
    const openai = ai.kind === 'openai';
    const body = await this.post(
      ai,
      openai ? completionsUrl(ai.url) : new URL(ai.url),
      openai ? chat(ai, question) : plain(question),
    );
    return openai ? completion(body) : webhookReply(body);
  }

  private async post(ai: ChatwootAi, url: URL, json: object): Promise<unknown> {
    const answer = await this.agent.exchange({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(ai.apiKey && { authorization: `Bearer ${ai.apiKey}` }),
      },
      body: JSON.stringify(json),
      timeoutMs: (ai.timeoutS ?? DEFAULT_TIMEOUT_S) * 1000,
    });
    const about = { title: 'The AI agent', purpose: 'answer', repeatable: true, now: this.clock.now() };
    const judged = judgeAnswer(answer, about);
    if (judged.kind === 'ok') return judged.body;
    const { failure, message, status, retryAfterMs } = judged.error;
    const words = ai.apiKey ? message.replaceAll(ai.apiKey, REDACTED) : message;
    throw new ProviderError(failure, words, { status, retryAfterMs });
  }
}

/** Of the base URL of the API, or the whole one, with its query. */
function completionsUrl(text: string): URL {
  const url = new URL(text);
  if (!/\/chat\/completions\/?$/.test(url.pathname))
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`;
  return url;
}

function chat({ model, systemPrompt }: ChatwootAi, { history }: AiQuestion): object {
  const messages = history.map(({ by, text }) => ({ role: by === 'contact' ? 'user' : 'assistant', content: text }));
  return { model, messages: [...(systemPrompt ? [{ role: 'system', content: systemPrompt }] : []), ...messages] };
}

function plain({ conversationId, contact, channel, history }: AiQuestion): object {
  const said = history.map(({ by, text, at }) => ({ role: by === 'contact' ? 'user' : 'assistant', text, at }));
  return { conversationId, contact, channel, message: said.at(-1), history: said.slice(0, -1) };
}

function completion(body: unknown): AiReply {
  const { choices } = (body ?? {}) as { choices?: { message?: { content?: unknown } }[] };
  const content = Array.isArray(choices) ? choices[0]?.message?.content : undefined;
  if (content === undefined) {
    throw new ProviderError(
      'not_this_api',
      'The AI agent did not answer: what it sent holds no choices[0].message.content. Is its URL that of a chat completions API?',
    );
  }
  return replyOf(textIn(content));
}

function webhookReply(body: unknown): AiReply {
  if (typeof body === 'string') return replyOf(body);
  const reply = (body ?? {}) as Record<string, unknown>;
  if (reply.handover === true) return { kind: 'handover' };
  return replyOf(textIn(reply.answer ?? reply.reply ?? reply.text));
}

function replyOf(text: string): AiReply {
  if (text.includes(HANDOVER_MARK)) return { kind: 'handover' };
  return text === '' ? { kind: 'silence' } : { kind: 'answer', text: text.slice(0, MAX_ANSWER) };
}

/** Text, or OpenAI's list of parts. */
function textIn(content: unknown): string {
  if (typeof content === 'string') return content.trim();
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => (part as { text?: unknown })?.text)
    .filter((text) => typeof text === 'string')
    .join('')
    .trim();
}
