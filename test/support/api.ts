import request, { type Response } from 'supertest';
import { expect } from 'vitest';
import type { TestApp } from './app.js';

/** The API as a client with one credential sees it. A status that was not expected fails with the body in the message. */
export class Api {
  constructor(
    private readonly url: string,
    private readonly credential: string,
  ) {}

  static of(app: TestApp): Api {
    return new Api(app.url, app.apiKey);
  }

  // biome-ignore lint/suspicious/noExplicitAny: bodies are what the test says they are
  async get(path: string, status = 200): Promise<any> {
    return this.expect(await request(this.url).get(path).auth(this.credential, { type: 'bearer' }), status);
  }

  // biome-ignore lint/suspicious/noExplicitAny: bodies are what the test says they are
  async post(path: string, body: object, status: number, headers: Record<string, string> = {}): Promise<any> {
    const sent = request(this.url).post(path).auth(this.credential, { type: 'bearer' }).set(headers).send(body);
    return this.expect(await sent, status);
  }

  // biome-ignore lint/suspicious/noExplicitAny: bodies are what the test says they are
  async patch(path: string, body: object, status = 200): Promise<any> {
    return this.expect(
      await request(this.url).patch(path).auth(this.credential, { type: 'bearer' }).send(body),
      status,
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: bodies are what the test says they are
  async put(path: string, body: object, status = 200): Promise<any> {
    return this.expect(await request(this.url).put(path).auth(this.credential, { type: 'bearer' }).send(body), status);
  }

  async delete(path: string, status = 204): Promise<unknown> {
    return this.expect(await request(this.url).delete(path).auth(this.credential, { type: 'bearer' }), status);
  }

  private expect(response: Response, status: number) {
    expect(response.status, `${response.status} ${JSON.stringify(response.body)}`).toBe(status);
    return response.body;
  }
}
