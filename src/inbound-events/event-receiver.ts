import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, type ErrorCode } from '../core/errors.js';
import { HOPS, hopsOf, MAX_HOPS } from '../core/hops.js';
import { isTooDeep, MAX_JSON_DEPTH, payloadOf } from '../core/payload.js';
import { findProvider } from '../core/provider-signatures/providers.js';
import { redactHeaders } from '../core/provider-signatures/redact.js';
import { headerIfAny, type ProviderRequest, providerRequest } from '../core/provider-signatures/request.js';
import type { Handshake, Refusal, Verdict, Verified } from '../core/provider-signatures/verdict.js';
import { verifyProviderRequest } from '../core/provider-signatures/verify.js';
import { GoogleKeys } from './google-keys.js';
import { InboundAcceptor } from './inbound-acceptor.js';
import type { NewInboundEvent, StoredInboundEvent } from './inbound-event.store.js';
import { InboundLimits } from './inbound-limits.js';
import { refusalRow } from './refusal-sample.js';
import { SourceActivity } from './source-activity.js';
import type { KnownSource } from './source-directory.js';

/** Without an id of the sender's own, the same body within this time is the same delivery. */
const SAME_BODY_MS = 5 * 60_000;
const DAY_MS = 24 * 3_600_000;

/** A request as it came off the wire. */
export interface WireRequest {
  method: string;
  /** Path and query. */
  url: string;
  /** Node's: names and values in turn. */
  rawHeaders: readonly string[];
  rawBody: Buffer;
  remoteAddress: string;
}

export type Reception = { source: KnownSource } & (Handshake | { kind: 'stored'; event: StoredInboundEvent });

/** From a provider's request to a stored event: verify → limits → store once. */
@Injectable()
export class EventReceiver {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly limits: InboundLimits,
    private readonly googleKeys: GoogleKeys,
    private readonly acceptor: InboundAcceptor,
    private readonly activity: SourceActivity,
  ) {}

  /**
   * @param candidates the sources it may be for, all of one tenant: the first whose verification it passes takes it
   * @param options.legacy also take the forms older guides print, unless the source says otherwise
   * @throws AppError inbound_refused (401) and others, with the reason in words; it is counted and kept for the owner
   */
  async receive(
    candidates: [KnownSource, ...KnownSource[]],
    wire: WireRequest,
    options: { legacy: boolean },
  ): Promise<Reception> {
    const request = providerRequest({ ...wire, url: this.config.http.publicUrl + wire.url });
    const [first] = candidates;
    const outside = await this.limits.addressProblem(first.tenantId, wire.remoteAddress);
    if (outside) this.refuse(first, request, { reason: 'address_not_allowed', status: 403, message: outside });
    const { source, verdict } = await this.verify(candidates, request, options.legacy);
    if (verdict.kind === 'refused') return this.refuse(source, request, verdict);
    await this.limits.consume(source.tenantId, `source:${source.id}`);
    if (verdict.kind === 'handshake') return { source, ...verdict };
    const event = this.newEvent(source, request, verdict);
    const stored = await this.acceptor.accept(event);
    this.activity.accepted(source, event.secretId, stored.duplicate, this.clock.now());
    return { source, kind: 'stored', event: stored };
  }

  private async verify(candidates: [KnownSource, ...KnownSource[]], request: ProviderRequest, legacy: boolean) {
    let refused: { source: KnownSource; verdict: Verdict } | undefined;
    for (const source of candidates) {
      const verdict = await this.judge(source, request, legacy);
      if (verdict.kind !== 'refused') return { source, verdict };
      refused ??= { source, verdict };
    }
    return refused as NonNullable<typeof refused>;
  }

  private async judge(source: KnownSource, request: ProviderRequest, legacy: boolean): Promise<Verdict> {
    const now = this.clock.now();
    const secrets = source.secretsAt(now).map((secret) => secret.value);
    const takesLegacy = findProvider(source.provider)?.settings.some(({ name }) => name === 'acceptLegacySignatures');
    const settings = { ...(legacy && takesLegacy && { acceptLegacySignatures: true }), ...source.settings };
    const verify = (given: object) => verifyProviderRequest(source.provider, request, secrets, given, now);
    if (source.provider !== 'google-pubsub' || 'jwks' in settings) return verify(settings);
    const verdict = verify({ ...settings, jwks: await this.googleKeys.current() });
    const mayBeNewer = verdict.kind === 'refused' && verdict.reason === 'token_key_unknown';
    if (!mayBeNewer || !(await this.googleKeys.refresh())) return verdict;
    return verify({ ...settings, jwks: await this.googleKeys.current() });
  }

  private newEvent(source: KnownSource, request: ProviderRequest, verified: Verified): NewInboundEvent {
    const payload = payloadOf(request.rawBody);
    if (payload.kind === 'json' && isTooDeep(request.rawBody)) {
      this.refuse(source, request, {
        reason: 'json_too_deep',
        status: 422,
        message: `the JSON is nested deeper than ${MAX_JSON_DEPTH} levels`,
      });
    }
    const now = this.clock.now();
    const hops = hopsOf(request.headers[HOPS], payload.value);
    return {
      tenantId: source.tenantId,
      source: source.provider,
      sourceId: source.id,
      eventName: verified.eventName ?? `${source.provider}.event`,
      payload: payload.text,
      payloadKind: payload.kind,
      payloadBytes: request.rawBody.length,
      method: request.method,
      contentType: headerIfAny(request, 'content-type')?.slice(0, 200) ?? null,
      headers: JSON.stringify(redactHeaders(request.headers, source.provider, source.settings)),
      deliveryId: verified.deliveryId ?? null,
      authenticated: verified.authenticated,
      secretId: verified.secretIndex === undefined ? null : (source.secretsAt(now)[verified.secretIndex]?.id ?? null),
      ...dedupe(source, request, verified, now),
      ...stoppedAfter(hops),
    };
  }

  private refuse(
    source: KnownSource,
    request: ProviderRequest,
    refusal: Omit<Refusal, 'kind' | 'reason'> & { reason: string },
  ): never {
    this.activity.refused(source, refusalRow(source, request, refusal, this.clock.now()));
    const code = refusal.reason === 'address_not_allowed' ? refusal.reason : ERROR_CODES[refusal.status];
    throw new AppError(code ?? 'inbound_refused', { detail: sentence(refusal.message) });
  }
}

const ERROR_CODES: Record<number, ErrorCode> = {
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  422: 'invalid_request',
  503: 'unavailable',
};

function sentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function dedupe(source: KnownSource, request: ProviderRequest, { deliveryId }: Verified, now: Date) {
  const hash = createHash('sha256').update(source.id);
  if (deliveryId !== undefined) {
    const days = findProvider(source.provider)?.keepDeliveryIdsDays ?? 3;
    return {
      dedupeKey: hash.update(`\0id\0${deliveryId}`).digest(),
      dedupeUntil: new Date(now.getTime() + days * DAY_MS),
    };
  }
  const [, query = ''] = request.url.split('?', 2);
  return {
    dedupeKey: hash.update(`\0body\0${request.method}\0${query}\0`).update(request.rawBody).digest(),
    dedupeUntil: new Date(now.getTime() + SAME_BODY_MS),
  };
}

/** An event that has been round too often is kept, but nothing is done for it. */
export function stoppedAfter(hops: number): Pick<NewInboundEvent, 'hops' | 'status' | 'errorMessage'> {
  if (hops <= MAX_HOPS) return { hops, status: 'received', errorMessage: null };
  return {
    hops,
    status: 'ignored',
    errorMessage: `Stopped: it came back through a workflow ${hops} times (${HOPS}: ${hops}), more than ${MAX_HOPS}. Does a workflow send here what it was sent from here?`,
  };
}
