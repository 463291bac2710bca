import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { customHeaderProblem, isReservedHeader, MASK } from '../core/custom-headers.js';
import { invalidField } from '../core/errors.js';
import { DEFAULT_JWT_SECONDS, type ReceiverAuth } from '../core/receiver-auth.js';
import { newToken, open, seal } from '../core/secret.js';
import type { SubscriptionAuth, SubscriptionAuthView } from './receiver-auth.dto.js';
import type { Subscription } from './subscription.store.js';

/** What we show a receiver to be let in. */
export interface ReceiverAccess {
  headers: Record<string, string>;
  auth: ReceiverAuth | null;
}

type SealedAccess = Pick<Subscription, 'id' | 'headers' | 'auth'>;
type SealedBytes = Uint8Array<ArrayBuffer> | null;

export interface AccessChange {
  columns: { headers?: SealedBytes; auth?: SealedBytes };
  /** A JWT secret that was made because none was given. */
  madeSecret?: string;
}

/** Keeps custom headers and the receiver's credentials: checked on the way in, encrypted at rest, masked on the way out. */
@Injectable()
export class AccessSealer {
  constructor(private readonly config: Config) {}

  open(row: SealedAccess): ReceiverAccess {
    const auth = this.unseal<ReceiverAuth>(row, 'auth');
    const entries = Object.entries(this.unseal<Record<string, string>>(row, 'headers') ?? {});
    const sent = entries.filter(([name]) => !isReservedHeader(name) && !(auth && isAuthorization(name)));
    return { headers: Object.fromEntries(sent), auth };
  }

  /** Names, and what is no secret. */
  present(row: SealedAccess): { headers: Record<string, string>; auth: SubscriptionAuthView | null } {
    const { headers, auth } = this.open(row);
    return { headers: masked(headers), auth: auth && withoutSecrets(auth) };
  }

  /**
   * Absent fields stay as they are, null removes. A header whose value is the mask keeps its value, so that what was shown can
   * be edited and sent back.
   * @param stored null: the subscription is new
   * @param newServer the URL leads to another server now: what is not shown does not move along, or whoever may change the
   *   URL could read it there
   * @throws AppError invalid_request
   */
  change(
    id: string,
    input: { headers?: Record<string, unknown> | null; auth?: SubscriptionAuth | null },
    stored: SealedAccess | null,
    newServer = false,
  ): AccessChange {
    if (newServer && stored) refuseToMove(input, stored);
    const before: ReceiverAccess = stored && !newServer ? this.open(stored) : { headers: {}, auth: null };
    const headers = input.headers === undefined ? before.headers : checkedHeaders(input.headers ?? {}, before.headers);
    const { auth, madeSecret }: CheckedAuth =
      input.auth === undefined ? { auth: before.auth } : checkedAuth(input.auth, before.auth);
    const authorizationHeader = Object.keys(headers).find(isAuthorization);
    if (auth && authorizationHeader !== undefined) {
      const pointer = input.headers === undefined ? '/auth' : `/headers/${authorizationHeader}`;
      throw invalidField(pointer, 'The header Authorization is either a custom header or made from auth, not both.');
    }
    return {
      columns: {
        ...(input.headers !== undefined && {
          headers: Object.keys(headers).length > 0 ? this.seal(id, 'headers', headers) : null,
        }),
        ...(input.auth !== undefined && { auth: auth && this.seal(id, 'auth', auth) }),
      },
      ...(madeSecret !== undefined && { madeSecret }),
    };
  }

  private seal(id: string, column: 'headers' | 'auth', value: object): SealedBytes {
    return seal(JSON.stringify(value), this.config.security.masterKey as Buffer, `subscriptions.${column}:${id}`);
  }

  private unseal<T>(row: SealedAccess, column: 'headers' | 'auth'): T | null {
    const bytes = row[column];
    if (bytes === null) return null;
    return JSON.parse(open(bytes, this.config.security.masterKey as Buffer, `subscriptions.${column}:${row.id}`)) as T;
  }
}

const isAuthorization = (name: string) => name.toLowerCase() === 'authorization';

/** The same headers without their values. */
export function masked(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, MASK]));
}

function refuseToMove(input: { headers?: unknown; auth?: unknown }, stored: SealedAccess): void {
  for (const name of ['headers', 'auth'] as const) {
    if (stored[name] === null || input[name] !== undefined) continue;
    const detail = `The URL leads to another server now: give "${name}" again in full, or null to send none.`;
    throw invalidField(`/${name}`, detail);
  }
}

function checkedHeaders(given: Record<string, unknown>, before: Record<string, string>): Record<string, string> {
  const known = new Map(Object.entries(before).map(([name, value]) => [name.toLowerCase(), value]));
  const headers = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      value === MASK ? (known.get(name.toLowerCase()) ?? MASK) : value,
    ]),
  );
  const problem = customHeaderProblem(headers);
  if (problem) throw invalidField(`/headers${problem.pointer}`, problem.detail);
  return headers as Record<string, string>;
}

interface CheckedAuth {
  auth: ReceiverAuth | null;
  madeSecret?: string;
}

function checkedAuth(given: SubscriptionAuth | null, before: ReceiverAuth | null): CheckedAuth {
  if (given === null) return { auth: null };
  const { type, username, password, secret, audience, expiresInSeconds } = given;
  if (type === 'basic') {
    refuseOthers(type, { secret, audience, expiresInSeconds });
    const known = before?.type === 'basic' ? before : null;
    const auth = { type, username: username ?? known?.username, password: password ?? known?.password };
    if (auth.username === undefined) throw invalidField('/auth/username', 'Basic auth needs a username.');
    if (auth.password === undefined) throw invalidField('/auth/password', 'Basic auth needs a password.');
    checkText('username', auth.username, /^[^\p{Cc}:]+$/u, 'a user name must have no colon and no control characters');
    checkText('password', auth.password, /^[^\p{Cc}]*$/u, 'a password must have no control characters');
    return { auth: auth as ReceiverAuth };
  }
  refuseOthers(type, { username, password });
  const known = before?.type === 'bearer-jwt' ? before : null;
  const kept = secret ?? known?.secret;
  const madeSecret = kept === undefined ? newToken('') : undefined;
  return {
    auth: {
      type,
      secret: (kept ?? madeSecret) as string,
      audience: audience === undefined ? (known?.audience ?? null) : audience,
      expiresInSeconds: expiresInSeconds ?? known?.expiresInSeconds ?? DEFAULT_JWT_SECONDS,
    },
    madeSecret,
  };
}

function refuseOthers(type: string, fields: Record<string, unknown>): void {
  const other = Object.keys(fields).find((name) => (fields[name] ?? undefined) !== undefined);
  if (other !== undefined) throw invalidField(`/auth/${other}`, `Auth of the type "${type}" has no "${other}".`);
}

function checkText(field: string, value: string, form: RegExp, rule: string): void {
  if (!form.test(value)) throw invalidField(`/auth/${field}`, `In Basic auth ${rule} (RFC 7617).`);
}

function withoutSecrets(auth: ReceiverAuth): SubscriptionAuthView {
  if (auth.type === 'basic') return { type: auth.type, username: auth.username };
  return { type: auth.type, audience: auth.audience, expiresInSeconds: auth.expiresInSeconds };
}
