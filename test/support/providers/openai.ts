import { randomBytes } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, type SeenRequest } from './provider-server.js';

export interface ChatRequest {
  model: string;
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[];
  [field: string]: unknown;
}

/** Any OpenAI-compatible chat endpoint: `POST /v1/chat/completions`. It answers by a function, as told. */
export class OpenAiServer extends ProviderServer {
  readonly apiKey = `sk-${randomBytes(12).toString('hex')}`;
  /** What it was asked. */
  readonly chats: ChatRequest[] = [];
  /** What it says. Default: repeats the last message of the user. */
  reply: (chat: ChatRequest) => string = ({ messages }) =>
    `You said: ${messages.findLast(({ role }) => role === 'user')?.content}`;

  static start(): Promise<OpenAiServer> {
    return new OpenAiServer().listen();
  }

  constructor() {
    super();
    this.on('POST', '/v1/chat/completions', ({ json }) => this.complete(json));
    this.on('GET', '/v1/models', () => ({ body: { object: 'list', data: [{ id: 'test-model', object: 'model' }] } }));
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    if (request.headers.authorization === `Bearer ${this.apiKey}`) return null;
    return failure(401, 'invalid_api_key', 'Incorrect API key provided.');
  }

  protected notFound(): ProviderAnswer {
    return failure(404, 'unknown_url', 'Unknown request URL.');
  }

  private complete(chat: ChatRequest): ProviderAnswer {
    if (!chat?.model || !Array.isArray(chat.messages) || chat.messages.length === 0)
      return failure(400, 'invalid_request_error', "Missing required parameter: 'messages'.");
    this.chats.push(chat);
    const message = { role: 'assistant', content: this.reply(chat) };
    return {
      body: {
        id: `chatcmpl-${randomBytes(8).toString('hex')}`,
        object: 'chat.completion',
        created: Math.floor(this.now().getTime() / 1000),
        model: chat.model,
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
      },
    };
  }
}

function failure(status: number, code: string, message: string): ProviderAnswer {
  return { status, body: { error: { message, type: 'invalid_request_error', param: null, code } } };
}
